#include "mapping.h"

#include "real.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/shm.h>

#define PAGE_SHIFT 12
#define KNOWN      256u /* pages; two of the same place are looked up in turn */
#define AGE_BITS   28

/* Private pages as of an age: page << AGE_BITS | age. */
static _Atomic uint64_t known[KNOWN];
static _Atomic uint64_t age = 1; /* counts shared mappings (P6: counted, then used) */

/* The kernel's text, a character at a time. */
struct text {
	long fd, length, at;
	char bytes[1024];
};

static int next(struct text *text)
{
	if (text->at == text->length) {
		text->length = rh_sys4(SYS_read, text->fd, (long)text->bytes,
				       sizeof text->bytes, 0);
		text->at = 0;
		if (text->length <= 0)
			return -1;
	}
	return text->bytes[text->at++];
}

/* Up to a character that is no digit. */
static uintptr_t hexadecimal(struct text *text)
{
	uintptr_t value = 0;

	for (;;) {
		int c = next(text);

		if (c >= '0' && c <= '9')
			value = value << 4 | (uintptr_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uintptr_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* A line: from-to rwxp ...  0 at the end of the text. */
static int read_line(struct text *text, uintptr_t *ret_from, uintptr_t *ret_to)
{
	int kind = 0, c;

	*ret_from = hexadecimal(text);
	*ret_to = hexadecimal(text);
	for (int i = 0; i < 4; i++)
		kind = next(text);
	do {
		c = next(text);
	} while (c > 0 && c != '\n');
	return c > 0 ? kind : 0;
}

static bool look_up(uintptr_t at)
{
	struct text text = {.length = 0};
	uintptr_t from, to;
	int kind;

	text.fd = rh_sys4(SYS_openat, AT_FDCWD, (long)"/proc/self/maps",
			  O_RDONLY | O_CLOEXEC, 0);
	if (text.fd < 0)
		return false;
	do {
		kind = read_line(&text, &from, &to);
	} while (kind && !(at >= from && at < to));
	rh_sys4(SYS_close, text.fd, 0, 0, 0);
	return kind == 'p';
}

bool rh_mapping_is_private(const void *at)
{
	uint64_t page = (uintptr_t)at >> PAGE_SHIFT;
	uint64_t now = atomic_load(&age) & ((1u << AGE_BITS) - 1);
	_Atomic uint64_t *place = &known[page % KNOWN];

	if (atomic_load(place) == (page << AGE_BITS | now))
		return true;
	if (!look_up((uintptr_t)at))
		return false;
	atomic_store(place, page << AGE_BITS | now);
	return true;
}

/* ---- what the program maps ---- */

static void *answer(long result)
{
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return MAP_FAILED;
	}
	atomic_fetch_add(&age, 1);
	return (void *)result;
}

/* By both of its names; <sys/mman.h> gives the first one the second one's. */
void *rh_mapping_map(void *at, size_t bytes, int protection, int flags, int fd,
		     off_t offset) __asm__("mmap");

RH_INTERPOSED void *rh_mapping_map(void *at, size_t bytes, int protection, int flags, int fd,
				   off_t offset)
{
	long result = rh_sys6(SYS_mmap, (long)at, (long)bytes, protection, flags, fd, offset);

	if (flags & MAP_SHARED || (result < 0 && result > -4096))
		return answer(result);
	return (void *)result;
}

RH_INTERPOSED void *mmap64(void *at, size_t bytes, int protection, int flags, int fd,
			   off64_t offset)
{
	return rh_mapping_map(at, bytes, protection, flags, fd, offset);
}

RH_INTERPOSED void *mremap(void *at, size_t bytes, size_t wanted, int flags, ...)
{
	void *to = NULL;
	va_list list;

	va_start(list, flags);
	if (flags & MREMAP_FIXED)
		to = va_arg(list, void *);
	va_end(list);
	return answer(rh_sys6(SYS_mremap, (long)at, (long)bytes, (long)wanted, flags, (long)to,
			      0));
}

RH_INTERPOSED void *shmat(int id, const void *at, int flags)
{
	return answer(rh_sys4(SYS_shmat, id, (long)at, flags, 0));
}
