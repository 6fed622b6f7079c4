/* jni_env - the functions of a JNIEnv that native methods need, by their numbers in the
 * JNI specification.
 *
 * Threads     That of the env.
 * Invariants  J1  none is called while an exception is pending.
 *             J2  what fails has left an exception in the env. */
#ifndef RH_SDK_JNI_ENV_H
#define RH_SDK_JNI_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A JNIEnv points at the table of its functions. */
typedef void rh_jni_function(void);
typedef rh_jni_function *const *const rh_jni_env;

/* A new exception of the class, "java/lang/RuntimeException". */
void rh_jni_throw(rh_jni_env *env, const char *class_name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool rh_jni_has_thrown(rh_jni_env *env);

/* The exception of a failed call with rh_last_error's text. */
void rh_jni_throw_last(rh_jni_env *env, int code);

/* The text as UTF-8 with a NUL, for the caller to free; NULL: thrown, with the names of the
 * function and its parameter. */
char *rh_jni_text(rh_jni_env *env, void *string, const char *function,
                  const char *parameter);

/* A String of UTF-8, NULL: thrown. */
void *rh_jni_string(rh_jni_env *env, const char *text);

/* A byte[], NULL: thrown. */
void *rh_jni_bytes(rh_jni_env *env, const void *bytes, size_t len);

/* Elements from the array's first on; letter: z b s i j f d. */
size_t rh_jni_length(rh_jni_env *env, void *array);
void rh_jni_get(rh_jni_env *env, char letter, void *array, size_t count, void *to);
void rh_jni_set(rh_jni_env *env, char letter, void *array, size_t count,
                const void *from);

/* Whether the object (a static method's: class) has the method with that whole
 * signature; nothing is thrown. */
bool rh_jni_declares(rh_jni_env *env, void *self, const char *name,
                     const char *signature);

#endif
