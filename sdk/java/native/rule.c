/* rule - places and caches of a Java program where rules decide (sdk/c/rhodes-rule.h). */
#include "native.h"

#include "../../c/rhodes-rule.h"

#include <stdlib.h>
#include <string.h>

/* A key is short; one that is not is refused by librhodes, cut or not. */
static const char *key_of(JNIEnv *env, jbyteArray key, char *text, size_t cap)
{
	jsize length = (*env)->GetArrayLength(env, key);

	if ((size_t)length >= cap)
		length = (jsize)cap - 1;
	(*env)->GetByteArrayRegion(env, key, 0, length, (jbyte *)text);
	text[length] = '\0';
	return text;
}

NATIVE(jlong, ruleOpen)(JNIEnv *env, jclass class, jbyteArray key, jlong timeout)
{
	struct rh_adapter *place = NULL;
	char               text[128];
	int                r = rh_rule_open(key_of(env, key, text, sizeof text),
	                                    (uint64_t)timeout, &place);

	(void)class;
	return r < 0 ? r : address_of(place);
}

NATIVE(void, ruleClose)(JNIEnv *env, jclass class, jlong place)
{
	(void)env;
	(void)class;
	rh_rule_close(pointer_of(place));
}

/* Its own copy: the program's array moves. */
NATIVE(jbyteArray, ruleRun)(JNIEnv *env, jclass class, jlong place, jbyteArray question,
                            jintArray code)
{
	jsize      length = (*env)->GetArrayLength(env, question);
	size_t     answered = 0;
	char      *room = malloc(RH_RULE_BYTES_MAX);
	jint       r = RH_ENOMEM;
	jbyteArray answer = NULL;

	(void)class;
	if (room && (size_t)length > RH_RULE_BYTES_MAX) {
		r = RH_EMSGSIZE;
	} else if (room) {
		(*env)->GetByteArrayRegion(env, question, 0, length, (jbyte *)room);
		r = rh_rule_run(pointer_of(place), room, (size_t)length, RH_RULE_BYTES_MAX,
		                &answered);
	}
	if (r > 0)
		answer = rh_java_bytes(env, room, answered);
	free(room);
	(*env)->SetIntArrayRegion(env, code, 0, 1, &r);
	return answer;
}

NATIVE(jbyteArray, ruleName)(JNIEnv *env, jclass class, jlong place)
{
	char name[64];

	(void)class;
	return rh_rule_name(pointer_of(place), name, sizeof name) == 1
	       ? rh_java_bytes(env, name, strlen(name)) : NULL;
}

NATIVE(jlong, slotsOpen)(JNIEnv *env, jclass class, jbyteArray key, jint capacity,
                         jlong timeout)
{
	struct rh_slots *slots = NULL;
	char             text[128];
	int              r = rh_slots_open(key_of(env, key, text, sizeof text),
	                                   (uint32_t)capacity, (uint64_t)timeout, &slots);

	(void)class;
	return r < 0 ? r : address_of(slots);
}

NATIVE(void, slotsClose)(JNIEnv *env, jclass class, jlong slots)
{
	(void)env;
	(void)class;
	rh_slots_close(pointer_of(slots));
}

NATIVE(jint, slotsHit)(JNIEnv *env, jclass class, jlong slots, jint slot)
{
	(void)env;
	(void)class;
	return rh_slots_hit(pointer_of(slots), (uint32_t)slot);
}

NATIVE(jint, slotsAdmit)(JNIEnv *env, jclass class, jlong slots, jlong key)
{
	(void)env;
	(void)class;
	return rh_slots_admit(pointer_of(slots), (uint64_t)key);
}

NATIVE(jlong, slotsPlace)(JNIEnv *env, jclass class, jlong slots, jlong key)
{
	int      was_full = 0;
	uint32_t slot = rh_slots_place(pointer_of(slots), (uint64_t)key, &was_full);

	(void)env;
	(void)class;
	return (jlong)slot | (was_full ? (jlong)1 << 32 : 0);
}

NATIVE(jint, slotsRemove)(JNIEnv *env, jclass class, jlong slots, jint slot)
{
	(void)env;
	(void)class;
	return rh_slots_remove(pointer_of(slots), (uint32_t)slot);
}

NATIVE(jbyteArray, slotsName)(JNIEnv *env, jclass class, jlong slots)
{
	char name[64];

	(void)class;
	return rh_slots_name(pointer_of(slots), name, sizeof name) == 1
	       ? rh_java_bytes(env, name, strlen(name)) : NULL;
}
