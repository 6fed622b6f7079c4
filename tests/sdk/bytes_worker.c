/* bytes_worker THREADS - serves functions that speak bytes, for the SDK's tests. */
#include "things.h"

#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const signatures[] = {
	"echo(bytes)bytes", "sum(bytes)u64", "hold(u8)u8", "fail(i32)void",
	"once(u8)u8", "long(u32)bytes", "die(u8)void", "next(u32,u32)void",
};

enum { ECHO, SUM, HOLD, FAIL, ONCE, LONG, DIE, NEXT, COUNT };

static struct things_ledger *ledger;

static _Atomic uint32_t *word(uint32_t *of)
{
	return (_Atomic uint32_t *)(void *)of;
}

static void hold(unsigned char id)
{
	_Atomic uint8_t *is_free = (_Atomic uint8_t *)&ledger->is_free[id];

	atomic_fetch_add(word(&ledger->entered), 1);
	syscall(SYS_futex, &ledger->entered, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	for (;;) {
		uint32_t seen = atomic_load(word(&ledger->freed));

		if (atomic_load(word(&ledger->gate)) || atomic_load(is_free))
			return;
		syscall(SYS_futex, &ledger->freed, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
}

static uint64_t sum(const unsigned char *bytes, size_t len)
{
	uint64_t value = len;

	for (size_t i = 0; i < len; i++)
		value = value * 31 + bytes[i];
	return value;
}

/* The call with that number of a sequence; whoever makes them expects them in order. */
static void next(const uint32_t pair[2])
{
	uint32_t *turn = &ledger->next[pair[0] % THINGS_IDS];

	if (atomic_fetch_add(word(turn), 1) != pair[1])
		atomic_fetch_add(word(&ledger->disorder), 1);
}

static int handle(void *user, unsigned function, const void *args, size_t args_len,
                  void *reply, size_t cap, size_t *ret_len)
{
	uint64_t value;
	uint32_t len;
	int32_t  code;

	(void)user;
	*ret_len = 0;
	switch (function) {
	case ECHO:
		*ret_len = args_len;
		memcpy(reply, args, args_len < cap ? args_len : cap);
		return RH_OK;
	case SUM:
		value = sum(args, args_len);
		memcpy(reply, &value, sizeof value);
		*ret_len = sizeof value;
		return RH_OK;
	case HOLD:
	case ONCE:
		atomic_fetch_add(word(&ledger->ran[*(const unsigned char *)args]), 1);
		if (function == HOLD)
			hold(*(const unsigned char *)args);
		*(unsigned char *)reply = *(const unsigned char *)args;
		*ret_len = 1;
		return RH_OK;
	case FAIL:
		memcpy(&code, args, sizeof code);
		return code;
	case LONG:
		memcpy(&len, args, sizeof len);
		*ret_len = len;
		memset(reply, 'l', len < cap ? len : cap);
		return RH_OK;
	case NEXT:
		next(args);
		return RH_OK;
	default:
		atomic_fetch_add(word(&ledger->ran[*(const unsigned char *)args]), 1);
		kill(getpid(), SIGKILL);
		return RH_EIO;
	}
}

int main(int argc, char **argv)
{
	const char *path = getenv("THINGS_LEDGER");
	int         fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ledger == MAP_FAILED)
		return 2;
	close(fd);
	if (rh_serve_bytes("bytes", signatures, COUNT, handle, NULL,
	                   argc > 1 ? (unsigned)atoi(argv[1]) : 1) < 0) {
		fprintf(stderr, "bytes_worker: %s\n", rh_last_error());
		return 1;
	}
	return 0;
}
