/* rhodes-jni - native methods of Java that a shadow library exports.
 *
 * For a side file with a `java CLASS` line the generator writes one small function for
 * each method that Java can declare:
 *
 *     int64_t rh_jni_4(void *env, void *self, void *a0)
 *     {
 *             static struct rh_jni_method method = { &rh_lib, 3, 0, "sum", "([B)", "b-" };
 *             const union rh_jni_value    values[] = { { .l = a0 } };
 *
 *             return rh_jni_call(&method, env, self, values).j;
 *     }
 *
 * No jni.h is needed: the functions of a JNIEnv have fixed numbers.
 *
 * Threads  Any; those of the JVM. */
#ifndef RHODES_JNI_H
#define RHODES_JNI_H

#include "rhodes-stub.h"

#ifdef __cplusplus
extern "C" {
#endif

union rh_jni_value {
	int64_t j; /* boolean, byte, short, int, long                          */
	float   f;
	double  d;
	void   *l; /* an object                                                */
};

/* One exported method.  types has a letter for each parameter of the C function:
 *   Z B S I J F D   that number by value; also what a pointer going in points at
 *   z b s i j f d   an array of them: bytes, or an array of one that comes out
 *   T               a text, as String
 *   -               none: the length of an array that Java gives */
struct rh_jni_method {
	struct rh_stub_library *library;
	uint32_t                function;
	uint32_t                result;    /* what the class declares: a letter, 'A' for
	                                      byte[]; 0 until the first call   */
	const char             *name;      /* of the Java method               */
	const char             *signature; /* of its parameters: "([BJ)"       */
	const char             *types;
};

/* Converts the values, one for each letter but '-', calls, and converts back.  Integers
 * are returned in j as wide as that is.  Whatever fails is an exception in env and a
 * value of zeros: rhodes.RhodesError when the program has that class, else
 * RuntimeException; for values that do not fit, what the SDK for Java throws; and
 * NoSuchMethodError when the class declares a result that the function has not. */
union rh_jni_value rh_jni_call(struct rh_jni_method *method, void *env, void *self,
                               const union rh_jni_value *values);

#ifdef __cplusplus
}
#endif

#endif
