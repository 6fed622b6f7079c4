/* serve - functions that Java serves.
 *
 * A thread of librhodes becomes a daemon thread of the JVM with its first call, and has a
 * frame of its own there (src/rhodes/Frame.java).  Into it come the C objects of the
 * arguments and what pointers point at; from it what goes back.  Texts and bytes stay
 * where they are: the frame has their addresses. */
#include "native.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One parameter: where its C object stands in the frame, and what it points at. */
struct place {
	jint cell, cell_size;
	jint storage, storage_size; /* storage < 0: it is no pointer to a value  */
	jint comes_out;
};

struct row {
	unsigned     count;
	jint         result, result_size;
	struct place places[RH_PARAMS_MAX];
};

#define PLACE_INTS (sizeof(struct place) / sizeof(jint))
#define RESULT_INTS 2u

struct service {
	JavaVM     *machine;
	jobject     server;  /* global */
	jmethodID   seat, invoke;
	size_t      frame_bytes;
	struct row *rows;
};

/* What a thread has of the JVM. */
struct seat {
	JavaVM *machine;
	JNIEnv *env;
	jobject frame;   /* global */
	char   *memory;
};

static pthread_key_t  seats;
static pthread_once_t seats_once = PTHREAD_ONCE_INIT;
static int            has_seats;

static void leave(void *user)
{
	struct seat *seat = user;

	if (seat->frame)
		(*seat->env)->DeleteGlobalRef(seat->env, seat->frame);
	(*seat->machine)->DetachCurrentThread(seat->machine);
	free(seat->memory);
	free(seat);
}

static void make_key(void)
{
	has_seats = pthread_key_create(&seats, leave) == 0;
}

static int sit_down(struct service *service, struct seat *seat)
{
	char             name[] = "rhodes-serve";
	JavaVMAttachArgs how = { .version = JNI_VERSION_10, .name = name };
	jobject          buffer, frame;

	seat->machine = service->machine;
	if ((*service->machine)->AttachCurrentThreadAsDaemon(service->machine,
	                                                     (void **)&seat->env, &how) != JNI_OK)
		return RH_ENOMEM;
	seat->memory = calloc(1, service->frame_bytes);
	buffer = seat->memory ? (*seat->env)->NewDirectByteBuffer(seat->env, seat->memory,
	                        (jlong)service->frame_bytes) : NULL;
	frame = buffer ? (*seat->env)->CallObjectMethod(seat->env, service->server,
	                                                service->seat, buffer) : NULL;
	if (frame)
		seat->frame = (*seat->env)->NewGlobalRef(seat->env, frame);
	(*seat->env)->DeleteLocalRef(seat->env, buffer);
	(*seat->env)->DeleteLocalRef(seat->env, frame);
	return seat->frame ? RH_OK : RH_ENOMEM;
}

/* The thread's seat, taken with its first call; NULL without memory. */
static struct seat *seat_of(struct service *service)
{
	struct seat *seat = pthread_getspecific(seats);

	if (seat)
		return seat;
	seat = calloc(1, sizeof *seat);
	if (!seat || sit_down(service, seat) < 0 || pthread_setspecific(seats, seat) != 0) {
		if (seat && seat->env)
			leave(seat);
		else
			free(seat);
		return NULL;
	}
	return seat;
}

static void take_arguments(const struct row *row, void *const *args, char *frame)
{
	for (unsigned i = 0; i < row->count; i++) {
		const struct place *place = &row->places[i];
		void               *pointer = NULL;

		memcpy(frame + place->cell, args[i], (size_t)place->cell_size);
		if (place->storage < 0)
			continue;
		memcpy(&pointer, args[i], sizeof pointer);
		if (pointer)
			memcpy(frame + place->storage, pointer, (size_t)place->storage_size);
	}
}

static void give_results(const struct row *row, void *const *args, void *ret,
                         const char *frame)
{
	for (unsigned i = 0; i < row->count; i++) {
		const struct place *place = &row->places[i];
		void               *pointer = NULL;

		if (place->storage < 0 || !place->comes_out)
			continue;
		memcpy(&pointer, args[i], sizeof pointer);
		if (pointer)
			memcpy(pointer, frame + place->storage, (size_t)place->storage_size);
	}
	if (row->result_size > 0)
		memcpy(ret, frame + row->result, (size_t)row->result_size);
}

static int invoke(void *user, unsigned function, void *const *args, void *ret)
{
	struct service   *service = user;
	const struct row *row = &service->rows[function];
	struct seat      *seat = seat_of(service);
	int               err_no;
	jint              r;

	if (!seat)
		return RH_ENOMEM;
	take_arguments(row, args, seat->memory);
	memset(seat->memory, 0, sizeof err_no);
	r = (*seat->env)->CallIntMethod(seat->env, service->server, service->invoke,
	                                (jint)function, seat->frame);
	if ((*seat->env)->ExceptionCheck(seat->env)) { /* thrown while catching one */
		(*seat->env)->ExceptionClear(seat->env);
		return RH_ENOMEM;
	}
	if (r == RH_OK)
		give_results(row, args, ret, seat->memory);
	memcpy(&err_no, seat->memory, sizeof err_no);
	errno = err_no; /* as the function's own in C */
	return r;
}

/* A row is: five numbers a parameter, then two of the result. */
static int read_rows(JNIEnv *env, jobjectArray plans, struct row *rows)
{
	jsize count = (*env)->GetArrayLength(env, plans);

	for (jsize i = 0; i < count; i++) {
		jintArray plan = (*env)->GetObjectArrayElement(env, plans, i);
		size_t    length = (size_t)(*env)->GetArrayLength(env, plan);
		jint      result[RESULT_INTS];

		rows[i].count = (unsigned)((length - RESULT_INTS) / PLACE_INTS);
		if (length < RESULT_INTS || rows[i].count > RH_PARAMS_MAX)
			return RH_EINVAL;
		(*env)->GetIntArrayRegion(env, plan, 0, (jsize)(rows[i].count * PLACE_INTS),
		                          &rows[i].places[0].cell);
		(*env)->GetIntArrayRegion(env, plan, (jsize)(rows[i].count * PLACE_INTS),
		                          RESULT_INTS, result);
		rows[i].result = result[0];
		rows[i].result_size = result[1];
		(*env)->DeleteLocalRef(env, plan);
	}
	return RH_OK;
}

static int start(JNIEnv *env, struct service *service, jobjectArray plans, jint threads)
{
	const struct rh_interface *interface;
	int                        r = rh_language_own(&interface);

	if (r < 0 || (r = read_rows(env, plans, service->rows)) < 0)
		return r;
	pthread_once(&seats_once, make_key);
	if (!has_seats)
		return RH_ENOMEM;
	if ((r = rh_language_events(interface, invoke, service)) < 0)
		return r;
	return rh_language_serve(interface, invoke, service, (unsigned)threads);
}

NATIVE(jint, serve)(JNIEnv *env, jclass class, jobject server, jobjectArray plans,
                    jint frame_bytes, jint threads)
{
	jclass          type = (*env)->GetObjectClass(env, server);
	struct service *service = calloc(1, sizeof *service);
	int             r = RH_ENOMEM;

	(void)class;
	if (!service)
		return r;
	service->server = (*env)->NewGlobalRef(env, server);
	service->seat = (*env)->GetMethodID(env, type, "seat",
	                                    "(Ljava/nio/ByteBuffer;)Lrhodes/Frame;");
	service->invoke = (*env)->GetMethodID(env, type, "invoke", "(ILrhodes/Frame;)I");
	service->frame_bytes = (size_t)frame_bytes;
	service->rows = calloc((size_t)(*env)->GetArrayLength(env, plans) + 1,
	                       sizeof *service->rows);
	if (service->rows && service->seat && service->invoke &&
	    (*env)->GetJavaVM(env, &service->machine) == JNI_OK)
		r = start(env, service, plans, threads);
	return r; /* the service stays: its events go on */
}

NATIVE(void, stopServing)(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	rh_serve_stop();
}

/* A text with its NUL, to be freed; NULL without memory, which raise takes as "". */
static char *text_of(JNIEnv *env, jbyteArray bytes)
{
	jsize length = (*env)->GetArrayLength(env, bytes);
	char *text = malloc((size_t)length + 1);

	if (text) {
		(*env)->GetByteArrayRegion(env, bytes, 0, length, (jbyte *)text);
		text[length] = '\0';
	}
	return text;
}

NATIVE(jint, raise)(JNIEnv *env, jclass class, jbyteArray type, jbyteArray message,
                    jbyteArray stack)
{
	char *texts[] = { text_of(env, type), text_of(env, message), text_of(env, stack) };
	int   r = rh_language_raise(&(struct rh_exception){ .language = "java",
		.type = texts[0], .message = texts[1], .stack = texts[2] });

	(void)class;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	return r;
}

NATIVE(jint, mirror)(JNIEnv *env, jclass class, jint parameter, jbyteArray bytes)
{
	jbyte *memory = (*env)->GetByteArrayElements(env, bytes, NULL);
	int    r;

	(void)class;
	if (!memory)
		return RH_ENOMEM;
	r = rh_language_mirror(parameter < 0 ? RH_LANGUAGE_RESULT : (unsigned)parameter, memory,
	                       (size_t)(*env)->GetArrayLength(env, bytes));
	(*env)->ReleaseByteArrayElements(env, bytes, memory, JNI_ABORT);
	return r;
}

NATIVE(jlong, replyMemory)(JNIEnv *env, jclass class, jlong bytes)
{
	void *memory = rh_language_memory((size_t)bytes);

	(void)class;
	if (!memory)
		(*env)->ThrowNew(env, (*env)->FindClass(env, "java/lang/OutOfMemoryError"),
		                 "no memory for the reply");
	return address_of(memory);
}
