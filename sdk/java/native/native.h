/* native - the half of the SDK for Java that only C can do; src/rhodes/Native.java says
 * what each function is.
 *
 * Errors   Negative codes are returned; Java makes exceptions of them. */
#ifndef RHODES_JAVA_NATIVE_H
#define RHODES_JAVA_NATIVE_H

#include "../../c/rhodes-language.h"

#include "rhodes_Native.h" /* generated */

#include <jni.h>
#include <stdint.h>

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_rhodes_Native_##name

static inline void *pointer_of(jlong address)
{
	return (void *)(uintptr_t)address;
}

static inline jlong address_of(const void *pointer)
{
	return (jlong)(uintptr_t)pointer;
}

/* A new byte[]; NULL with an exception when there is no memory. */
jbyteArray rh_java_bytes(JNIEnv *env, const void *bytes, size_t length);

#endif
