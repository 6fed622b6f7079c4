/* call - interfaces, calls and memory for Java. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a function's C objects stand in a frame. */
struct plan {
	struct rh_stub_library *library;
	unsigned                index;
	unsigned                count;
	uint32_t                result;
	uint32_t                offsets[RH_PARAMS_MAX];
};

jbyteArray rh_java_bytes(JNIEnv *env, const void *bytes, size_t length)
{
	jbyteArray array = (*env)->NewByteArray(env, (jsize)length);

	if (array)
		(*env)->SetByteArrayRegion(env, array, 0, (jsize)length, bytes);
	return array;
}

NATIVE(jlong, open)(JNIEnv *env, jclass class, jstring name)
{
	struct rh_stub_library *library = NULL;
	const char             *text = (*env)->GetStringUTFChars(env, name, NULL);
	int                     r;

	(void)class;
	if (!text)
		return RH_ENOMEM;
	r = rh_language_open(text, &library);
	(*env)->ReleaseStringUTFChars(env, name, text);
	return r < 0 ? r : address_of(library);
}

static void describe_param(FILE *out, char what, const struct rh_param *param)
{
	fprintf(out, "%c\t%s\t%s\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\n", what, param->name,
	        param->type, param->kind, param->direction, param->flags,
	        param->len_param, param->used_param, param->handle, param->mirror_len,
	        param->size);
}

static void describe(FILE *out, const struct rh_interface *interface)
{
	fprintf(out, "I\t%s\n", interface->name);
	for (uint32_t i = 0; i < interface->handle_count; i++)
		fprintf(out, "H\t%s\t%d\n", interface->handles[i].name,
		        interface->handles[i].destructor);
	for (uint32_t i = 0; i < interface->function_count; i++) {
		const struct rh_function *function = &interface->functions[i];

		fprintf(out, "F\t%s\t%u\n", function->name, function->flags);
		for (unsigned j = 0; j < function->param_count; j++)
			describe_param(out, 'P', &function->params[j]);
		describe_param(out, 'R', &function->ret);
	}
}

NATIVE(jstring, describe)(JNIEnv *env, jclass class, jlong address)
{
	struct rh_stub_library    *library = pointer_of(address);
	const struct rh_interface *interface = NULL;
	char                      *text = NULL;
	size_t                     length;
	FILE                      *out;
	jstring                    made = NULL;

	(void)class;
	if (library)
		interface = library->interface;
	else if (rh_language_own(&interface) < 0)
		return NULL;
	out = open_memstream(&text, &length);
	if (!out)
		return NULL;
	describe(out, interface);
	if (fclose(out) == 0)
		made = (*env)->NewStringUTF(env, text);
	free(text);
	return made;
}

NATIVE(jlong, plan)(JNIEnv *env, jclass class, jlong library, jint index,
                    jintArray offsets, jint result)
{
	struct plan *plan = calloc(1, sizeof *plan);
	jint         numbers[RH_PARAMS_MAX];
	jsize        count = (*env)->GetArrayLength(env, offsets);

	(void)class;
	if (!plan || count > (jsize)RH_PARAMS_MAX) {
		free(plan);
		return RH_ENOMEM;
	}
	(*env)->GetIntArrayRegion(env, offsets, 0, count, numbers);
	plan->library = pointer_of(library);
	plan->index = (unsigned)index;
	plan->count = (unsigned)count;
	plan->result = (uint32_t)result;
	for (jsize i = 0; i < count; i++)
		plan->offsets[i] = (uint32_t)numbers[i];
	return address_of(plan);
}

NATIVE(jint, call)(JNIEnv *env, jclass class, jlong address, jlong frame)
{
	const struct plan *plan = pointer_of(address);
	char              *memory = pointer_of(frame);
	void              *args[RH_PARAMS_MAX];

	(void)env;
	(void)class;
	for (unsigned i = 0; i < plan->count; i++)
		args[i] = memory + plan->offsets[i];
	return rh_language_call(plan->library, plan->index, args, memory + plan->result);
}

NATIVE(jint, lastErrno)(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	return rh_language_errno();
}

/* The words are of librhodes and ASCII, but for names: those of files may be anything. */
NATIVE(jbyteArray, lastError)(JNIEnv *env, jclass class)
{
	const char *text = rh_last_error();

	(void)class;
	return rh_java_bytes(env, text, strlen(text));
}

NATIVE(jboolean, lastRan)(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	return rh_last_ran() != 0;
}

NATIVE(jobjectArray, lastException)(JNIEnv *env, jclass class)
{
	const struct rh_exception *raised = rh_last_exception();
	jclass                     type = (*env)->FindClass(env, "[B");
	jobjectArray               texts;

	(void)class;
	if (!raised || !type)
		return NULL;
	const char *const all[] = { raised->language, raised->type, raised->message,
	                            raised->stack };
	texts = (*env)->NewObjectArray(env, 4, type, NULL);
	for (jsize i = 0; texts && i < 4; i++) {
		jbyteArray text = rh_java_bytes(env, all[i], strlen(all[i]));

		if (!text)
			return NULL;
		(*env)->SetObjectArrayElement(env, texts, i, text);
	}
	return texts;
}

NATIVE(jlong, address)(JNIEnv *env, jclass class, jobject buffer)
{
	(void)class;
	return address_of((*env)->GetDirectBufferAddress(env, buffer));
}

NATIVE(jlong, allocate)(JNIEnv *env, jclass class, jlong bytes)
{
	void *memory = malloc(bytes > 0 ? (size_t)bytes : 1);

	(void)class;
	if (!memory)
		(*env)->ThrowNew(env, (*env)->FindClass(env, "java/lang/OutOfMemoryError"),
		                 "no memory for the bytes of a call");
	return address_of(memory);
}

NATIVE(void, free)(JNIEnv *env, jclass class, jlong address)
{
	(void)env;
	(void)class;
	free(pointer_of(address));
}

NATIVE(jlong, textLength)(JNIEnv *env, jclass class, jlong address)
{
	(void)env;
	(void)class;
	return (jlong)strlen(pointer_of(address));
}

NATIVE(void, read)(JNIEnv *env, jclass class, jlong address, jbyteArray to, jint offset,
                   jint length)
{
	(void)class;
	(*env)->SetByteArrayRegion(env, to, offset, length, pointer_of(address));
}

NATIVE(void, write)(JNIEnv *env, jclass class, jlong address, jbyteArray from, jint offset,
                    jint length)
{
	(void)class;
	(*env)->GetByteArrayRegion(env, from, offset, length, pointer_of(address));
}

NATIVE(jint, lastCode)(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	return rh_last_code();
}
