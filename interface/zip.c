#include "zip.h"

#include "../base/diag.h"

#include <string.h>
#include <zlib.h>

#define END_BYTES   22u
#define ENTRY_BYTES 46u
#define LOCAL_BYTES 30u
#define COMMENT_MAX 65535u

static uint32_t word(const uint8_t *at, size_t size)
{
	uint32_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

/* The end of the directory stands at the end, before a comment. */
static const uint8_t *find_end(const uint8_t *bytes, size_t len)
{
	for (size_t back = END_BYTES; back <= len && back <= END_BYTES + COMMENT_MAX; back++) {
		const uint8_t *at = bytes + len - back;

		if (word(at, 4) == 0x06054b50 && word(at + 20, 2) == back - END_BYTES)
			return at;
	}
	return NULL;
}

int rh_zip_open(struct rh_zip *zip, const void *bytes, size_t len, struct rh_diag *diag)
{
	const uint8_t *end = len >= END_BYTES ? find_end(bytes, len) : NULL;

	if (!end)
		return rh_diag_set(diag, RH_EPROTO, "it is no archive, or is cut off");
	uint32_t size = word(end + 12, 4), at = word(end + 16, 4);
	if (word(end + 4, 4) != 0 || word(end + 10, 2) == 0xffff)
		return rh_diag_set(diag, RH_EPROTO, "it is one of several volumes, or of a "
		                   "form that is not read");
	if (at > len || size > len - at)
		return rh_diag_set(diag, RH_EPROTO, "the directory of the archive lies outside "
		                   "of it");
	*zip = (struct rh_zip){
		.bytes = { bytes, len },
		.directory = { (const uint8_t *)bytes + at, size },
		.count = word(end + 10, 2),
	};
	return RH_OK;
}

int rh_zip_next(const struct rh_zip *zip, size_t *at, struct rh_zip_file *ret)
{
	const uint8_t *entry = zip->directory.bytes + *at;
	size_t         left = zip->directory.len - *at;

	if (*at >= zip->directory.len)
		return RH_ENOENT;
	if (left < ENTRY_BYTES || word(entry, 4) != 0x02014b50)
		return RH_EPROTO;
	size_t bytes = ENTRY_BYTES + word(entry + 28, 2) + (size_t)word(entry + 30, 2) +
	               word(entry + 32, 2);
	if (bytes > left)
		return RH_EPROTO;
	*ret = (struct rh_zip_file){
		.name = (const char *)entry + ENTRY_BYTES, .name_len = word(entry + 28, 2),
		.flags = (uint16_t)word(entry + 8, 2), .method = (uint16_t)word(entry + 10, 2),
		.packed = word(entry + 20, 4), .size = word(entry + 24, 4),
		.at = word(entry + 42, 4),
	};
	*at += bytes;
	return RH_OK;
}

static bool find_data(const struct rh_zip *zip, const struct rh_zip_file *file,
                      struct rh_elf_span *ret)
{
	struct rh_elf_span all = zip->bytes;

	if (file->at > all.len || all.len - file->at < LOCAL_BYTES)
		return false;
	const uint8_t *local = all.bytes + file->at;
	size_t begin = file->at + LOCAL_BYTES + word(local + 26, 2) +
	               (size_t)word(local + 28, 2);
	if (word(local, 4) != 0x04034b50 || begin > all.len ||
	    file->packed > all.len - begin)
		return false;
	*ret = (struct rh_elf_span){ all.bytes + begin, file->packed };
	return true;
}

static bool unpack(struct rh_elf_span from, uint8_t *to, size_t size)
{
	z_stream stream = { 0 };

	if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
		return false;
	stream.next_in = (Bytef *)(uintptr_t)from.bytes;
	stream.avail_in = (uInt)from.len;
	stream.next_out = to;
	stream.avail_out = (uInt)size;
	bool is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && !stream.avail_out;
	inflateEnd(&stream);
	return is_whole;
}

int rh_zip_read(const struct rh_zip *zip, const struct rh_zip_file *file,
                struct rh_pool *pool, struct rh_elf_span *ret, struct rh_diag *diag)
{
	struct rh_elf_span data;

	if (file->size > RH_ZIP_FILE_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "%.*s: it has %u bytes, the limit is "
		                   "%zu", (int)file->name_len, file->name, file->size,
		                   RH_ZIP_FILE_MAX);
	if (!find_data(zip, file, &data) || file->flags & 1 ||
	    (file->method != 0 && file->method != 8))
		return rh_diag_set(diag, RH_EPROTO, "%.*s: it lies outside of the archive, or "
		                   "is packed in a way that is not read",
		                   (int)file->name_len, file->name);
	uint8_t *to = rh_pool_take(pool, file->size + 1u, 1);
	if (!to)
		return RH_ENOMEM;
	bool is_good = file->method == 8 ? unpack(data, to, file->size)
	                                 : data.len == file->size;
	if (is_good && file->method == 0)
		memcpy(to, data.bytes, data.len);
	if (!is_good)
		return rh_diag_set(diag, RH_EPROTO, "%.*s: it cannot be unpacked",
		                   (int)file->name_len, file->name);
	*ret = (struct rh_elf_span){ to, file->size };
	return RH_OK;
}
