#include "code_kit.h"

#include "../../base/order.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
static unsigned char secret_key[crypto_sign_SECRETKEYBYTES];

/* ---- the state directory -------------------------------------------------- */

static void write_key(void)
{
	char  path[192], hex[RH_SIGNATURE_KEY_HEX];
	FILE *file;

	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, kit_state_dir);
	sodium_bin2hex(hex, sizeof hex, public_key, sizeof public_key);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "%s\n", hex);
	fclose(file);
}

int code_open(void **state)
{
	int r = kit_open(state);

	if (r < 0 || rh_signature_start() < 0)
		return -1;
	crypto_sign_keypair(public_key, secret_key);
	snprintf(kit_state_dir, sizeof kit_state_dir, "%s/state", kit_dir);
	mkdir(kit_state_dir, 0700);
	write_key();
	return 0;
}

int code_close(void **state)
{
	kit_state_dir[0] = 0;
	kit_edge_more = NULL;
	return kit_close(state);
}

/* ---- modules -------------------------------------------------------------- */

static void read_object(struct code_module *module)
{
	int         fd = open(getenv("RULE"), O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	module->object_len = (size_t)st.st_size;
	module->object = malloc(module->object_len);
	assert_non_null(module->object);
	assert_int_equal(read(fd, module->object, module->object_len), st.st_size);
	close(fd);
	assert_true(module->object_len > 2 * CODE_PART);
	rh_sha256_hex(module->object, module->object_len, module->object_sha256);
}

static void sign_as(enum rh_signed use, const char *sha256, const unsigned char *key,
                    char hex[RH_SIGNATURE_HEX])
{
	unsigned char signature[crypto_sign_BYTES];
	char          text[RH_SIGNATURE_TEXT_MAX];
	int           len = rh_signature_text(use, sha256, text);

	crypto_sign_detached(signature, NULL, (const unsigned char *)text,
	                     (unsigned long long)len, key);
	sodium_bin2hex(hex, RH_SIGNATURE_HEX, signature, sizeof signature);
}

static void sign(struct code_module *module, const unsigned char *key)
{
	sign_as(RH_SIGNED_RULE, module->sha256, key, module->signature);
}

void code_make_of(struct code_module *module, const char *manifest)
{
	*module = (struct code_module){ .object = NULL };
	snprintf(module->manifest, sizeof module->manifest, "%s", manifest);
	rh_sha256_hex(module->manifest, strlen(module->manifest), module->sha256);
	sign(module, secret_key);
}

void code_make(struct code_module *module, const char *hook, const char *mode)
{
	struct code_module object;
	char               manifest[512];

	read_object(&object);
	snprintf(manifest, sizeof manifest,
	         "{\"hook\": \"%s\", \"mode\": \"%s\", \"parts\": {\"object\": "
	         "{\"sha256\": \"%s\", \"bytes\": %zu}}}", hook, mode,
	         object.object_sha256, object.object_len);
	code_make_of(module, manifest);
	module->object = object.object;
	module->object_len = object.object_len;
	memcpy(module->object_sha256, object.object_sha256, sizeof object.object_sha256);
}

void code_make_version(struct code_module *module, const struct code_module *object,
                       const char *name, uint64_t version)
{
	char manifest[512];

	snprintf(manifest, sizeof manifest,
	         "{\"hook\": \"filter\", \"mode\": \"native\", \"name\": \"%s\", \"parts\": "
	         "{\"object\": {\"sha256\": \"%s\", \"bytes\": %zu}}, \"version\": %llu}",
	         name, object->object_sha256, object->object_len,
	         (unsigned long long)version);
	code_make_of(module, manifest);
	module->object = object->object;
	module->object_len = object->object_len;
	memcpy(module->object_sha256, object->object_sha256, sizeof module->object_sha256);
}

void code_sign_as_stranger(struct code_module *module)
{
	unsigned char key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_keypair(key, secret);
	sign(module, secret);
}

static void put_records(struct rh_record_writer *writer, const struct code_rule *rule)
{
	const struct { uint16_t tag; const char *text; } texts[] = {
		{ RH_TAG_RULE, rule->rule }, { RH_TAG_HOOK, rule->hook },
		{ RH_TAG_MODULE, rule->module }, { RH_TAG_MODE, rule->mode },
		{ RH_TAG_POLICY, rule->policy },
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].text)
			rh_record_put_text(writer, texts[i].tag, texts[i].text);
	}
	if (rule->revision)
		rh_record_put_u64(writer, RH_TAG_REVISION, rule->revision);
	for (size_t i = 0; i < 6 && rule->params[i]; i++)
		rh_record_put_text(writer, RH_TAG_ENV, rule->params[i]);
}

void code_put(struct rh_record_writer *writer, const struct code_rule *rule)
{
	size_t place = rh_record_open(writer, RH_TAG_CODE_ITEM);

	put_records(writer, rule);
	rh_record_close(writer, place);
}

void code_put_signed(struct rh_record_writer *writer, const struct code_rule *rule,
                     uint64_t rollback, const char *caller, const char *callee)
{
	char   content[RH_SHA256_HEX], digest[RH_SHA256_HEX], signature[RH_SIGNATURE_HEX];
	size_t place = rh_record_open(writer, RH_TAG_CODE_ITEM), begin = writer->used;

	put_records(writer, rule);
	if (rollback)
		rh_record_put_u64(writer, RH_TAG_ROLLBACK, rollback);
	rh_sha256_hex(writer->bytes + begin, writer->used - begin, content);
	rh_order_digest(caller, callee, content, digest);
	sign_as(RH_SIGNED_ORDER, digest, secret_key, signature);
	rh_record_put_text(writer, RH_TAG_SIGNATURE, signature);
	rh_record_close(writer, place);
}

/* ---- the center's side ---------------------------------------------------- */

void code_expect(struct kit_agent *agent, int type)
{
	int got;

	do
		got = kit_receive(agent->center);
	while (got != type && got > 0);
	assert_int_equal(got, type);
}

void code_expect_get(struct kit_agent *agent, const char *sha256, uint32_t offset)
{
	char wanted[RH_SHA256_HEX];

	code_expect(agent, RH_FRAME_MODULE_GET);
	assert_int_equal(rh_record_text(&kit_frame.records, RH_TAG_MODULE, wanted,
	                                sizeof wanted), RH_OK);
	assert_string_equal(wanted, sha256);
	assert_int_equal(kit_u32(RH_TAG_OFFSET), offset);
}

static void begin_data(struct rh_record_writer *writer, const char *sha256)
{
	static unsigned char bytes[RH_FRAME_MAX - 64];

	rh_record_begin(writer, bytes, sizeof bytes);
	rh_record_put_text(writer, RH_TAG_MODULE, sha256);
}

static void send_data(struct kit_agent *agent, const struct rh_record_writer *writer)
{
	int r = rh_socket_send(agent->center, RH_FRAME_MODULE_DATA, 0, writer, NULL, 0);

	assert_true(r == RH_OK || r == RH_ELOST); /* it may have hung up on a lie */
}

void code_give_as(struct kit_agent *agent, const char *sha256, uint32_t offset,
                  uint64_t total, const void *bytes, size_t len, const char *signature)
{
	struct rh_record_writer writer;

	begin_data(&writer, sha256);
	rh_record_put_u32(&writer, RH_TAG_OFFSET, offset);
	if (signature)
		rh_record_put_text(&writer, RH_TAG_SIGNATURE, signature);
	rh_record_put_u64(&writer, RH_TAG_BYTES, total);
	rh_record_put(&writer, RH_TAG_BODY, bytes, len);
	send_data(agent, &writer);
}

void code_refuse(struct kit_agent *agent, const char *sha256, int32_t code,
                 const char *text)
{
	struct rh_record_writer writer;

	begin_data(&writer, sha256);
	rh_record_put_i32(&writer, RH_TAG_CODE, code);
	if (text)
		rh_record_put_text(&writer, RH_TAG_TEXT, text);
	send_data(agent, &writer);
}

void code_give(struct kit_agent *agent, const struct code_module *module,
               const char *sha256, uint32_t offset)
{
	int         is_manifest = strcmp(sha256, module->sha256) == 0;
	size_t      total = is_manifest ? strlen(module->manifest) : module->object_len;
	const void *bytes = is_manifest ? (const void *)module->manifest : module->object;
	size_t      len = total - offset < CODE_PART ? total - offset : CODE_PART;

	assert_true(is_manifest || strcmp(sha256, module->object_sha256) == 0);
	assert_true(offset < total);
	code_give_as(agent, sha256, offset, total, (const unsigned char *)bytes + offset, len,
	             is_manifest && offset == 0 ? module->signature : NULL);
}

/* The state of that item in the RESULT of kit_frame; 0: it says nothing of it. */
static unsigned state_in(const char *callee, uint64_t revision)
{
	struct rh_record_reader reader = kit_frame.records, item;
	struct rh_record        record;
	char                    name[64];
	uint64_t                its;
	uint32_t                state = 0, found = 0;

	reader.at = 0;
	while (rh_record_next(&reader, &record) > 0) {
		if (record.tag != RH_TAG_RESULT_ITEM)
			continue;
		rh_record_read(&item, record.bytes, record.len);
		if (rh_record_text(&item, RH_TAG_CALLEE, name, sizeof name) < 0 ||
		    strcmp(name, callee) != 0 ||
		    rh_record_u64(&item, RH_TAG_REVISION, &its) < 0 || its != revision ||
		    rh_record_u32(&item, RH_TAG_STATE, &state) < 0)
			continue;
		found = state;
		kit_text[0] = 0;
		(void)rh_record_text(&item, RH_TAG_TEXT, kit_text, sizeof kit_text);
	}
	return found;
}

enum rh_item_state code_await(struct kit_agent *agent, const struct code_module *module,
                              const char *callee, uint64_t revision)
{
	char     sha256[RH_SHA256_HEX];
	unsigned state = 0;

	while (state != RH_ITEM_ACTIVE && state != RH_ITEM_REJECTED) {
		int type = kit_receive(agent->center);

		assert_true(type > 0);
		if (type == RH_FRAME_MODULE_GET) {
			assert_non_null(module);
			assert_int_equal(rh_record_text(&kit_frame.records, RH_TAG_MODULE,
			                                sha256, sizeof sha256), RH_OK);
			code_give(agent, module, sha256, kit_u32(RH_TAG_OFFSET));
		} else if (type == RH_FRAME_RESULT) {
			state = state_in(callee, revision);
		}
	}
	return (enum rh_item_state)state;
}
