/* call_jni - ts_add as a native method of Call.java, which JNI finds by its name. */
#include "../../examples/languages/textstat.h"

#include <jni.h>

JNIEXPORT jint JNICALL Java_Call_00024ByJni_add(JNIEnv *env, jclass class, jint a, jint b);

JNIEXPORT jint JNICALL Java_Call_00024ByJni_add(JNIEnv *env, jclass class, jint a, jint b)
{
	(void)env;
	(void)class;
	return ts_add(a, b);
}
