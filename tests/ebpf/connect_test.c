/* The decision of the connect rule that comes with Rhodes: one source, and the same
 * answers as native code, as WebAssembly of three kinds and in the kernel, where the
 * verdicts stand in the rule's own map, on a million random attempts.  A copy that was
 * changed in one place is found out in each. */
#include "../unit/rules_three.h"

#include "../../rules/library/ebpf/connect_decide.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <rhodes/hook/user_layout.h>

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BATCH    4096u
#define ROUNDS   256u /* 1,048,576 attempts */
#define VERDICTS 64u
#define CHANGED  "../../tests/ebpf/changed/connect"

/* As ../../rules/library/connect.c and batch.bpf.c have them. */
struct question {
	struct attempt       attempt;
	struct connect_terms terms;
	uint32_t             count;
	struct {
		struct endpoint at;
		uint64_t        verdict;
	} verdicts[VERDICTS];
};

struct answer {
	uint32_t        decision, zero;
	struct endpoint to;
};

struct one {
	struct attempt  attempt;
	uint32_t        decision;
	struct endpoint to;
};

/* connect_decide.h wants to know; here nobody decides but what is tested. */
static uint32_t stands(const struct endpoint *to)
{
	(void)to;
	return UNKNOWN;
}

/* ---- inputs ---- */

struct round {
	struct question question; /* but for its attempt */
	struct attempt  attempts[BATCH];
};

static struct round made;

/* Few addresses and ports, so that most attempts meet a verdict, some of them that of a
 * port at every address. */
static void make_attempt(struct attempt *attempt, uint64_t bits)
{
	*attempt = (struct attempt){
		.is_six = bits % 3 == 0, .protocol = bits % 16 ? IS_TCP : 17,
		.address = { 0x0100007fu + (uint32_t)(bits >> 8 & 3) },
		.port = (uint32_t)(bits >> 16 & 0x0f03),
	};
	if (attempt->is_six && bits >> 30 & 1) { /* ::ffff:127.0.0.n */
		attempt->address[3] = attempt->address[0];
		attempt->address[0] = attempt->address[1] = 0;
		attempt->address[2] = 0xffff0000u;
	} else if (attempt->is_six) {
		attempt->address[3] = (uint32_t)(bits >> 32);
		attempt->address[3] &= 0x03000000u;
	}
}

static void make(unsigned round)
{
	uint64_t         random = round;
	struct question *question = &made.question;

	memset(question, 0, sizeof *question);
	question->terms.is_ready = round % 8 != 0;
	question->terms.is_strict = round % 2;
	for (unsigned i = 0; i < VERDICTS; i++) {
		uint64_t       bits = three_random(&random);
		struct attempt there;

		make_attempt(&there, three_random(&random));
		endpoint_read(&question->verdicts[i].at, there.is_six, there.address, there.port);
		if (i % 5 == 0)
			memset(question->verdicts[i].at.address, 0, 16);
		question->verdicts[i].verdict = bits % 2 ? ALLOWED : REFUSED;
		question->count += 1;
		/* Each place once, as in a map. */
		for (unsigned j = 0; j < i; j++) {
			if (memcmp(&question->verdicts[j].at, &question->verdicts[i].at, 24) == 0)
				question->verdicts[i].verdict = question->verdicts[j].verdict;
		}
	}
	for (unsigned i = 0; i < BATCH; i++)
		make_attempt(&made.attempts[i], three_random(&random));
}

/* ---- native and WebAssembly ---- */

static struct answer answers[BATCH][BUILDS];

static void ask_rule(struct rh_rule *rule, unsigned build)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct rh_user_buffer *buffer = rh_rule_buffer(rule);
		uint64_t               value;

		assert_non_null(buffer);
		if (i == 0)
			memcpy(buffer->bytes, &made.question, sizeof made.question);
		made.question.attempt = made.attempts[i];
		memcpy(buffer->bytes, &made.question, offsetof(struct question, verdicts));
		assert_int_equal(rh_rule_call(rule, RH_SLOT_USER_RUN, sizeof made.question, 0,
		                              &value), 0);
		assert_int_equal((uint32_t)value, sizeof answers[0][0]);
		memcpy(&answers[i][build], buffer->bytes, sizeof answers[0][0]);
	}
}

/* ---- the kernel ---- */

struct kernel {
	struct bpf_object *objects[2]; /* by strict */
	struct one        *batches[2];
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int fd_of(struct bpf_object *object, const char *map)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, map));
}

/* Only what is asked for is loaded; strict is a constant of the rule. */
static void load_one(struct kernel *kernel, const char *path, uint32_t strict)
{
	struct bpf_object  *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map     *constants;

	assert_non_null(object);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program,
			strcmp(bpf_program__name(program), "decide_all") == 0);
	constants = bpf_object__find_map_by_name(object, ".rodata");
	assert_int_equal(bpf_map__set_initial_value(constants, &strict, sizeof strict), 0);
	if (bpf_object__load(object) < 0) {
		bpf_object__close(object);
		assert_int_not_equal(geteuid(), 0);
		fprintf(stderr, "skipped: loading eBPF needs root\n");
		skip();
	}
	kernel->objects[strict] = object;
	kernel->batches[strict] = mmap(NULL, BATCH * sizeof(struct one),
		PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(object, "batch"), 0);
	assert_true(kernel->batches[strict] != MAP_FAILED);
}

static void kernel_load(struct kernel *kernel, const char *path)
{
	libbpf_set_print(quiet);
	load_one(kernel, path, 0);
	load_one(kernel, path, 1);
}

static void kernel_unload(struct kernel *kernel)
{
	for (int i = 0; i < 2; i++) {
		munmap(kernel->batches[i], BATCH * sizeof(struct one));
		bpf_object__close(kernel->objects[i]);
	}
}

static void write_verdicts(struct bpf_object *object, int is_there)
{
	uint32_t first = 0;
	int      map = fd_of(object, "verdicts");

	assert_int_equal(bpf_map_update_elem(fd_of(object, "ready"), &first,
		&made.question.terms.is_ready, BPF_ANY), 0);
	for (unsigned i = 0; i < VERDICTS; i++) {
		uint32_t verdict = (uint32_t)made.question.verdicts[i].verdict;

		if (is_there)
			assert_int_equal(bpf_map_update_elem(map, &made.question.verdicts[i].at,
			                                     &verdict, BPF_ANY), 0);
		else
			bpf_map_delete_elem(map, &made.question.verdicts[i].at);
	}
}

/* Its answers, until the next round. */
static const struct one *ask_kernel(struct kernel *kernel)
{
	uint32_t                 strict = made.question.terms.is_strict;
	struct bpf_object       *object = kernel->objects[strict];
	struct bpf_test_run_opts options = { .sz = sizeof options };

	write_verdicts(object, 1);
	for (unsigned i = 0; i < BATCH; i++)
		kernel->batches[strict][i].attempt = made.attempts[i];
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(
		bpf_object__find_program_by_name(object, "decide_all")), &options), 0);
	assert_int_equal(options.retval, BATCH);
	write_verdicts(object, 0);
	return kernel->batches[strict];
}

/* ---- all of them ---- */

static unsigned seen[CONNECT_OTHER + 1];

/* How many attempts of a round are not answered alike.  kernel may be NULL. */
static unsigned run(struct rh_rule *const rules[BUILDS], struct kernel *kernel,
                    unsigned round)
{
	const struct one *said = NULL;
	unsigned          differences = 0;

	make(round);
	if (kernel)
		said = ask_kernel(kernel);
	for (unsigned build = 0; build < BUILDS; build++)
		ask_rule(rules[build], build);
	for (unsigned i = 0; i < BATCH; i++) {
		const struct answer *first = &answers[i][0];
		int is_same = !said || (said[i].decision == first->decision &&
		                        memcmp(&said[i].to, &first->to, sizeof first->to) == 0);

		for (unsigned build = 1; build < BUILDS; build++)
			is_same &= memcmp(&answers[i][build], first, sizeof *first) == 0;
		differences += !is_same;
		assert_in_range(first->decision, 0, CONNECT_OTHER);
		seen[first->decision]++;
	}
	return differences;
}

static void without_the_kernel_all_decide_alike(void **state)
{
	struct three three;

	(void)state;
	three_load(&three, "connect", "user");
	memset(seen, 0, sizeof seen);
	for (unsigned round = 0; round < ROUNDS; round++)
		assert_int_equal(run(three.rules, NULL, round), 0);
	/* Attempts that all go one way would prove little. */
	printf("%u refused, %u allowed, %u others\n", seen[0], seen[1], seen[2]);
	for (unsigned i = 0; i <= CONNECT_OTHER; i++)
		assert_in_range(seen[i], BATCH * ROUNDS / 20, BATCH * ROUNDS);
	three_unload(&three);
}

static void the_kernel_decides_alike(void **state)
{
	struct three  three;
	struct kernel kernel;

	(void)state;
	kernel_load(&kernel, KERNEL);
	three_load(&three, "connect", "user");
	for (unsigned round = 0; round < ROUNDS; round++)
		assert_int_equal(run(three.rules, &kernel, round), 0);
	three_unload(&three);
	kernel_unload(&kernel);
}

static void a_change_in_one_of_them_is_seen(void **state)
{
	struct three three, changed;

	(void)state;
	three_load(&three, "connect", "user");
	three_load(&changed, CHANGED, "user");
	for (unsigned build = 0; build < BUILDS; build++) {
		struct rh_rule *rules[BUILDS];

		memcpy(rules, three.rules, sizeof rules);
		rules[build] = changed.rules[build];
		assert_int_not_equal(run(rules, NULL, 1), 0);
	}
	three_unload(&changed);
	three_unload(&three);
}

static void a_change_in_the_kernel_is_seen(void **state)
{
	struct three  three;
	struct kernel kernel;

	(void)state;
	kernel_load(&kernel, KERNEL_CHANGED);
	three_load(&three, "connect", "user");
	assert_int_not_equal(run(three.rules, &kernel, 1), 0);
	three_unload(&three);
	kernel_unload(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_kernel_all_decide_alike),
		cmocka_unit_test(the_kernel_decides_alike),
		cmocka_unit_test(a_change_in_one_of_them_is_seen),
		cmocka_unit_test(a_change_in_the_kernel_is_seen),
	};

	if (!three_has_tools())
		return 77;
	return cmocka_run_group_tests_name("ebpf_connect", tests, NULL, NULL);
}
