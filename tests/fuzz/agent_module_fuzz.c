/* A center that lies about modules, and a disk that is damaged: whoever wants a module gets
 * the bytes that a trusted key signed for that, or an error with a reason, and once; and
 * nobody waits for ever when the center is honest in the end.
 *
 * Input: steps of a byte and what each says. */
#include "../../agent/agent.h"
#include "../../agent/module.h"
#include "../../base/log.h"
#include "../../base/socket.h"
#include "../../model/check.h"
#include "../../model/error.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS_MAX = 200, WANTS = 8, OBJECTS = 2, ROUNDS = 64 };

/* What is published: who signed it, and for what. */
enum kind { GOOD, SAME_OBJECT, STRANGER, OTHER_HOOK, NO_PART, NO_MANIFEST, NO_OBJECT, KINDS };

struct blob {
	char          sha256[RH_SHA256_HEX];
	char          signature[RH_SIGNATURE_HEX]; /* "": of an object */
	unsigned char bytes[400];
	size_t        len;                         /* 0: the center has it not */
};

struct wanter {
	struct rh_module_want want;
	enum kind             kind;
	int                   is_open;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rh_agent agent;
static uv_loop_t       loop;
static char            directory[] = "/tmp/rh-fuzz-XXXXXX";
static struct blob     blobs[OBJECTS + KINDS];
static struct wanter   wanters[WANTS];
static unsigned        open_count;
static unsigned char   trusted[crypto_sign_SECRETKEYBYTES];
static unsigned char   strange[crypto_sign_SECRETKEYBYTES];
/* A center, as far as module.c looks: there is one, and it is not connected.  What would
 * be asked is seen by what is taken. */
static uint64_t        away[512];

/* ---- what is published -------------------------------------------------- */

static void sign(struct blob *blob, const unsigned char *key)
{
	unsigned char signature[crypto_sign_BYTES];
	char          text[RH_SIGNATURE_TEXT_MAX];
	int           len = rh_signature_text(RH_SIGNED_RULE, blob->sha256, text);

	crypto_sign_detached(signature, NULL, (const unsigned char *)text,
	                     (unsigned long long)len, key);
	sodium_bin2hex(blob->signature, sizeof blob->signature, signature, sizeof signature);
}

static void make_object(int which)
{
	struct blob *blob = &blobs[which];

	blob->len = which ? 100 : 1;
	memset(blob->bytes, 'a' + which, blob->len);
	rh_sha256_hex(blob->bytes, blob->len, blob->sha256);
}

static const char *hook_of(enum kind kind)
{
	return kind == OTHER_HOOK ? "cache" : "filter";
}

static const char *part_of(enum kind kind)
{
	return kind == NO_PART ? "source" : "object";
}

static void make_manifest(enum kind kind)
{
	struct blob *blob = &blobs[OBJECTS + kind];
	char         absent[RH_SHA256_HEX];
	const char  *object = blobs[kind == GOOD ? 0 : 1].sha256;

	rh_sha256_hex("absent", 6, absent);
	blob->len = (size_t)snprintf((char *)blob->bytes, sizeof blob->bytes,
		"{\"hook\": \"%s\", \"mode\": \"wasm\", \"kind\": %d, \"parts\": "
		"{\"%s\": {\"sha256\": \"%s\"}}}%s", hook_of(kind),
		(int)kind, part_of(kind),
		kind == NO_OBJECT ? absent : object, kind == NO_MANIFEST ? "}" : "");
	RH_CHECK(blob->len < sizeof blob->bytes);
	rh_sha256_hex(blob->bytes, blob->len, blob->sha256);
	sign(blob, kind == STRANGER ? strange : trusted);
}

static void trust(const unsigned char *public)
{
	char  path[64], hex[RH_SIGNATURE_KEY_HEX];
	FILE *file;

	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, directory);
	file = fopen(path, "we");
	RH_CHECK(file);
	sodium_bin2hex(hex, sizeof hex, public, crypto_sign_PUBLICKEYBYTES);
	fprintf(file, "%s\n", hex);
	fclose(file);
}

/* ---- the disk ------------------------------------------------------------ */

static void empty_disk(void)
{
	char           path[400];
	struct dirent *entry;
	DIR           *dir;

	snprintf(path, sizeof path, "%s/modules", directory);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "%s/modules/%s", directory, entry->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
}

static void remove_directory(void)
{
	char path[64];

	empty_disk();
	snprintf(path, sizeof path, "%s/modules", directory);
	rmdir(path);
	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, directory);
	unlink(path);
	rmdir(directory);
}

/* ---- what the input says -------------------------------------------------- */

struct input {
	const uint8_t *at;
	size_t         left;
};

static uint32_t take(struct input *input, size_t count)
{
	uint32_t value = 0;

	for (; count > 0 && input->left > 0; count--, input->left--)
		value = value << 8 | *input->at++;
	return value;
}

static const uint8_t *take_bytes(struct input *input, size_t *len)
{
	const uint8_t *at = input->at;

	*len = *len < input->left ? *len : input->left;
	input->at += *len;
	input->left -= *len;
	return at;
}

/* ---- wanting --------------------------------------------------------------- */

static void check_given(const struct wanter *wanter, int fd)
{
	const struct blob *object = &blobs[wanter->kind == GOOD ? 0 : 1];
	unsigned char      bytes[sizeof object->bytes];

	RH_CHECK(wanter->kind != STRANGER && wanter->kind != NO_MANIFEST &&
	         wanter->kind != NO_OBJECT);
	RH_CHECK(strcmp(wanter->want.hook, hook_of(wanter->kind)) == 0);
	RH_CHECK(strcmp(wanter->want.part, part_of(wanter->kind)) == 0);
	RH_CHECK(pread(fd, bytes, sizeof bytes, 0) == (ssize_t)object->len);
	RH_CHECK(memcmp(bytes, object->bytes, object->len) == 0);
}

static void done(struct rh_module_want *want, const struct rh_module_found *found,
                 const struct rh_diag *why)
{
	struct wanter *wanter = RH_CONTAINER(want, struct wanter, want);

	RH_CHECK(wanter->is_open);
	wanter->is_open = 0;
	open_count--;
	if (found)
		check_given(wanter, found->fd);
	else
		RH_CHECK(why->code < 0 && why->text[0]);
}

static void want(uint32_t draw)
{
	struct wanter *wanter = &wanters[draw % WANTS];

	if (wanter->is_open)
		return;
	wanter->kind = draw / WANTS % KINDS;
	wanter->is_open = 1;
	open_count++;
	wanter->want = (struct rh_module_want){
		.done = done, .mode = "wasm",
		.hook = draw >> 8 & 7 ? "filter" : "cache",
		.part = draw >> 11 & 7 ? "object" : "source",
	};
	memcpy(wanter->want.module, blobs[OBJECTS + wanter->kind].sha256, RH_SHA256_HEX);
	rh_modules_want(&agent, &wanter->want);
}

static void forget(struct wanter *wanter)
{
	if (!wanter->is_open)
		return;
	wanter->is_open = 0;
	open_count--;
	rh_modules_forget(&wanter->want);
}

/* ---- the center ------------------------------------------------------------- */

static int send_frame(const void *bytes, size_t len)
{
	struct rh_frame frame = { .type = RH_FRAME_MODULE_DATA };

	rh_record_read(&frame.records, bytes, len);
	return rh_modules_data(&agent, &frame);
}

static int send_part(const struct blob *blob, size_t offset, uint64_t total,
                     const void *bytes, size_t len)
{
	unsigned char           room[2048];
	struct rh_record_writer writer;

	rh_record_begin(&writer, room, sizeof room);
	rh_record_put_text(&writer, RH_TAG_MODULE, blob->sha256);
	rh_record_put_u32(&writer, RH_TAG_OFFSET, (uint32_t)offset);
	rh_record_put_u64(&writer, RH_TAG_BYTES, total);
	if (blob->signature[0])
		rh_record_put_text(&writer, RH_TAG_SIGNATURE, blob->signature);
	rh_record_put(&writer, RH_TAG_BODY, bytes, len);
	return send_frame(room, writer.used);
}

static void refuse(const char *sha256, int32_t code)
{
	unsigned char           room[256];
	struct rh_record_writer writer;

	rh_record_begin(&writer, room, sizeof room);
	rh_record_put_text(&writer, RH_TAG_MODULE, sha256);
	rh_record_put_i32(&writer, RH_TAG_CODE, code);
	rh_record_put_text(&writer, RH_TAG_TEXT, "it is not here");
	RH_CHECK(send_frame(room, writer.used) == RH_OK);
}

/* A true part, or one of which the length, the whole or the bytes are others. */
static void tell(struct input *input)
{
	const struct blob *blob = &blobs[take(input, 1) % (OBJECTS + KINDS)];
	uint32_t           lie = take(input, 1), offset = take(input, 1) * 2, len;
	uint64_t           total = blob->len;
	unsigned char      bytes[1024];

	offset = offset < blob->len ? offset : 0;
	len = 1 + take(input, 2) % (uint32_t)(blob->len - offset);
	memcpy(bytes, blob->bytes + offset, len);
	if (lie & 1)
		bytes[len - 1] ^= 1;
	if (lie & 2)
		total = lie & 4 ? 1 + take(input, 2) : (uint64_t)take(input, 4) << 8;
	if (lie & 8)
		offset += take(input, 2);
	(void)send_part(blob, offset, total, bytes, len);
}

static void damage(struct input *input)
{
	const struct blob *blob = &blobs[take(input, 1) % (OBJECTS + KINDS)];
	char               path[256];
	size_t             len = take(input, 2);
	const uint8_t     *bytes = take_bytes(input, &len);
	FILE              *file;

	snprintf(path, sizeof path, "%s/modules", directory);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/modules/%s%s", directory, blob->sha256,
	         blob->signature[0] ? ".manifest" : "");
	file = fopen(path, len % 2 ? "we" : "r+e");
	if (!file)
		return;
	fwrite(bytes, 1, len, file);
	fclose(file);
}

/* ---- what happens ------------------------------------------------------------ */

static void settle(void)
{
	while (rh_modules_are_busy(&agent))
		uv_run(&loop, UV_RUN_ONCE);
}

static void step(struct input *input)
{
	uint32_t       what = take(input, 1);
	size_t         len;
	const uint8_t *bytes;

	switch (what % 8) {
	case 0:
	case 1:
		want(take(input, 2));
		break;
	case 2:
		forget(&wanters[what / 8 % WANTS]);
		break;
	case 3:
	case 4:
		tell(input);
		break;
	case 5:
		refuse(blobs[what / 8 % (OBJECTS + KINDS)].sha256,
		       (int32_t)take(input, 2) - 0x8000);
		break;
	case 6:
		damage(input);
		break;
	default:
		len = take(input, 2);
		bytes = take_bytes(input, &len);
		(void)send_frame(bytes, len);
		rh_modules_ask(&agent); /* as when it was connected again */
	}
	if (what & 0x80)
		settle();
}

/* All that it has and whatever it is asked: it is not seen which. */
static void tell_all(void)
{
	for (int i = 0; i < OBJECTS + KINDS; i++) {
		const struct blob *blob = &blobs[i];

		for (size_t at = 0; at < blob->len; at++)
			(void)send_part(blob, at, blob->len, blob->bytes + at, blob->len - at);
	}
	char absent[RH_SHA256_HEX];
	rh_sha256_hex("absent", 6, absent);
	refuse(absent, RH_ENOENT);
}

static void start(void)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], other[crypto_sign_PUBLICKEYBYTES];
	unsigned char seed[crypto_sign_SEEDBYTES] = { 1 };

	setenv("RHODES_LOG", "error", 0);
	rh_log_init("fuzz");
	RH_CHECK(sodium_init() >= 0 && mkdtemp(directory) && uv_loop_init(&loop) == 0);
	atexit(remove_directory);
	crypto_sign_seed_keypair(public, trusted, seed);
	seed[0] = 2;
	crypto_sign_seed_keypair(other, strange, seed);
	trust(public);
	for (int i = 0; i < OBJECTS; i++)
		make_object(i);
	for (int i = 0; i < KINDS; i++)
		make_manifest((enum kind)i);
	agent.loop = &loop;
	memcpy(agent.name, "fuzz", 5);
}

/* The first byte: is the agent one that only begins? */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input   input = { data, size };
	struct rh_diag diag;

	if (!agent.loop)
		start();
	agent.center = NULL;
	if (take(&input, 1) % 2 == 0)
		agent.center = (struct rh_center *)(void *)away;
	RH_CHECK(rh_modules_open(&agent, directory, &diag) == RH_OK);
	for (int i = 0; i < STEPS_MAX && input.left > 0; i++)
		step(&input);
	settle();
	for (int i = 0; i < ROUNDS && open_count > 0; i++) {
		tell_all();
		settle();
	}
	RH_CHECK(open_count == 0);
	rh_modules_free(&agent);
	empty_disk();
	return 0;
}
