/* One source of a rule, compiled for this processor and for the kernel's machine, decides
 * the same on a million random inputs. */
#include "pick.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SKIPPED 77
#define BATCH   4096u
#define ROUNDS  256u /* 1,048,576 inputs */

struct one {
	struct pick   in;
	struct picked out;
};

/* Small numbers often, so that comparisons go both ways. */
static void make(struct one *batch, unsigned round)
{
	const unsigned char seed[32] = { (unsigned char)round, (unsigned char)(round >> 8), 7 };

	randombytes_buf_deterministic(batch, BATCH * sizeof *batch, seed);
	for (unsigned i = 0; i < BATCH; i++) {
		struct pick *in = &batch[i].in;

		in->instances %= PICK_INSTANCES + 2;
		if (i % 2) {
			in->length %= 64;
			in->rate %= 4;
			in->tokens %= 4;
			for (unsigned j = 0; j < PICK_INSTANCES; j++)
				in->load[j] %= 4;
		}
		if (i % 3 == 0) {
			for (unsigned j = 0; j < PICK_INSTANCES; j++)
				in->last_ns[j] = in->now_ns + j - 4;
		}
	}
}

static int compare(const struct one *batch, unsigned round, unsigned *denied)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct picked native = { 0 };

		pick_decide(&batch[i].in, &native);
		if (memcmp(&native, &batch[i].out, sizeof native) != 0) {
			fprintf(stderr, "input %u of round %u: verdict %u/%u chosen %u/%u\n", i,
			        round, native.verdict, batch[i].out.verdict, native.chosen,
			        batch[i].out.chosen);
			return 1;
		}
		*denied += native.verdict;
	}
	return 0;
}

static int run(int program, int map)
{
	struct one *batch = mmap(NULL, BATCH * sizeof *batch, PROT_READ | PROT_WRITE,
	                         MAP_SHARED, map, 0);
	unsigned    denied = 0;

	if (batch == MAP_FAILED)
		return 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct bpf_test_run_opts options = { .sz = sizeof options };

		make(batch, round);
		if (bpf_prog_test_run_opts(program, &options) < 0 || options.retval != BATCH) {
			fprintf(stderr, "the kernel ran %u of %u\n", options.retval, BATCH);
			return 1;
		}
		if (compare(batch, round, &denied))
			return 1;
	}
	/* Inputs that all go one way would prove little. */
	printf("%u inputs, %u denied\n", BATCH * ROUNDS, denied);
	return denied < BATCH || denied > BATCH * ROUNDS - BATCH;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	if (argc != 2 || sodium_init() < 0)
		return 2;
	libbpf_set_print(quiet);
	struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return 1;
	if (bpf_object__load(object) < 0) {
		if (geteuid() != 0) {
			fprintf(stderr, "skipped: loading eBPF needs root\n");
			return SKIPPED;
		}
		return 1;
	}
	return run(bpf_program__fd(bpf_object__find_program_by_name(object, "decide_all")),
	           bpf_map__fd(bpf_object__find_map_by_name(object, "batch")));
}
