/* What a thread has in the processor is still there when others were run in the midst of what
 * it computes: all registers, the control words, the flags, what lies below its stack pointer,
 * and where its storage is.  Passes as it is, and must pass with librhodes-fiber.so before it. */
#include "fiber_kit.h"

#include <fenv.h>

#define ROUNDS 4
#define LAPS   30000000u /* about 10 ms: some slices */
#define YIELDS 200

#define FLAGS (1u << 10 | 1u) /* the way of strings, and the carry */

/* As the processor has it; see hold_registers for the places. */
struct image {
	uint64_t general[13], unused[3];
	uint64_t below[16]; /* the stack pointer */
	uint64_t laps;
	uint32_t mxcsr;
	uint16_t x87, is_wide; /* the vectors have 32 bytes */
	uint64_t flags;
	double top; /* of the x87's stack */
	uint64_t more[4];
	uint64_t vectors[16][4];
};

struct images {
	struct image before, after;
};

_Static_assert(offsetof(struct image, below) == 128, "as below");
_Static_assert(offsetof(struct image, laps) == 256, "as below");
_Static_assert(offsetof(struct image, mxcsr) == 264, "as below");
_Static_assert(offsetof(struct image, flags) == 272, "as below");
_Static_assert(offsetof(struct image, top) == 280, "as below");
_Static_assert(offsetof(struct image, vectors) == 320, "as below");
_Static_assert(sizeof(struct image) == 832, "as below");

/* Takes all from `before`, counts the laps down, and writes what it has then to `after`. */
void hold_registers(struct images *images);

__asm__(
	".text\n"
	".set AFTER, 832\n"
	/* all but the stack pointer, rdi, which is where the images are, and rcx, which counts */
	".macro GENERAL do\n"
	"	.set AT, 0\n"
	"	.irp name, rax, rbx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
	"	\\do \\name\n"
	"	.set AT, AT + 8\n"
	"	.endr\n"
	".endm\n"
	".macro TAKE name\n"
	"	mov AT(%rdi), %\\name\n"
	".endm\n"
	".macro GIVE name\n"
	"	mov %\\name, AFTER + AT(%rdi)\n"
	".endm\n"
	".macro BELOW do\n"
	"	.irp at, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120\n"
	"	\\do \\at\n"
	"	.endr\n"
	".endm\n"
	".macro LAY at\n"
	"	mov 128 + \\at(%rdi), %rax\n"
	"	mov %rax, -128 + \\at(%rsp)\n"
	".endm\n"
	".macro PICK at\n"
	"	mov -128 + \\at(%rsp), %rax\n"
	"	mov %rax, AFTER + 128 + \\at(%rdi)\n"
	".endm\n"
	".macro VECTORS do\n"
	"	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	\\do \\n\n"
	"	.endr\n"
	".endm\n"
	".macro LOAD n\n"
	"	movups 320 + 32 * \\n(%rdi), %xmm\\n\n"
	".endm\n"
	".macro LOAD_WIDE n\n"
	"	vmovups 320 + 32 * \\n(%rdi), %ymm\\n\n"
	".endm\n"
	".macro STORE n\n"
	"	movups %xmm\\n, AFTER + 320 + 32 * \\n(%rdi)\n"
	".endm\n"
	".macro STORE_WIDE n\n"
	"	vmovups %ymm\\n, AFTER + 320 + 32 * \\n(%rdi)\n"
	".endm\n"

	".globl hold_registers\n"
	".type hold_registers, @function\n"
	"hold_registers:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	sub $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	BELOW LAY\n"
	"	ldmxcsr 264(%rdi)\n"
	"	fldcw 268(%rdi)\n"
	"	fldl 280(%rdi)\n"
	"	cmpw $0, 270(%rdi)\n"
	"	jne 1f\n"
	"	VECTORS LOAD\n"
	"	jmp 2f\n"
	"1:	VECTORS LOAD_WIDE\n"
	"2:	GENERAL TAKE\n"
	"	mov 256(%rdi), %rcx\n"
	"	std\n"
	"	stc\n"
	"3:	dec %rcx\n" /* leaves the carry as it is */
	"	jnz 3b\n"
	"	GENERAL GIVE\n"
	"	BELOW PICK\n"
	"	pushfq\n"
	"	pop AFTER + 272(%rdi)\n"
	"	cld\n"
	"	mov %rcx, AFTER + 256(%rdi)\n"
	"	stmxcsr AFTER + 264(%rdi)\n"
	"	fnstcw AFTER + 268(%rdi)\n"
	"	fstpl AFTER + 280(%rdi)\n"
	"	cmpw $0, 270(%rdi)\n"
	"	jne 4f\n"
	"	VECTORS STORE\n"
	"	jmp 5f\n"
	"4:	VECTORS STORE_WIDE\n"
	"	vzeroupper\n"
	"5:	fldcw 4(%rsp)\n"
	"	ldmxcsr (%rsp)\n"
	"	add $8, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	".size hold_registers, .-hold_registers\n");

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed ^ *seed >> 29;
}

/* Words and rounding of its own for each thread, nothing where no place is. */
static void fill(struct images *images, uint64_t *seed)
{
	struct image *image = &images->before;
	int width = __builtin_cpu_supports("avx") ? 4 : 2;

	memset(images, 0, sizeof *images);
	for (size_t i = 0; i < sizeof image->general / sizeof image->general[0]; i++)
		image->general[i] = next_random(seed);
	for (int i = 0; i < 16; i++) {
		image->below[i] = next_random(seed);
		for (int at = 0; at < width; at++)
			image->vectors[i][at] = next_random(seed);
	}
	image->laps = LAPS;
	image->mxcsr = 0x1f80 | (uint32_t)(*seed >> 40 & 3) << 13;
	image->x87 = (uint16_t)(0x37f | (*seed >> 40 & 3) << 10);
	image->is_wide = width == 4;
	image->top = (double)(next_random(seed) >> 12);
}

static void expect_same(struct images *images)
{
	struct image *after = &images->after;

	assert_int_equal(0, after->laps);
	assert_int_equal(FLAGS, after->flags & FLAGS);
	after->laps = images->before.laps;
	after->flags = images->before.flags;
	after->is_wide = images->before.is_wide;
	assert_memory_equal(&images->before, after, sizeof *after);
}

static _Thread_local int storage;

/* Its number, and where its storage is. */
static int *storage_is_its_own(int own)
{
	int *at = &storage;

	storage = own;
	errno = own;
	__asm__ volatile("" : "+r"(at));
	return at;
}

static void *compute(void *at)
{
	uint64_t seed = (uint64_t)(intptr_t)at + 1;
	int own = (int)(intptr_t)at + 1, *place = storage_is_its_own(own);

	for (int i = 0; i < ROUNDS; i++) {
		struct images images;

		fill(&images, &seed);
		hold_registers(&images);
		expect_same(&images);
		assert_int_equal(own, errno);
		assert_int_equal(own, storage);
		assert_ptr_equal(place, &storage);
	}
	return NULL;
}

static void who_is_interrupted_has_all_registers_then(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	for (intptr_t i = 0; i < MANY; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, compute, (void *)i));
	join_all(threads, MANY);
}

/* A call that lets others run is to leave what a function has to leave. */
static void *round_in_turns(void *at)
{
	static const int ways[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
	int own = (int)(intptr_t)at + 1, way = ways[own % 4];

	storage_is_its_own(own);
	assert_int_equal(0, fesetround(way));
	for (int i = 0; i < YIELDS; i++) {
		uint32_t mxcsr;

		sched_yield();
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		assert_int_equal(way, fegetround()); /* the x87's */
		assert_int_equal(way, mxcsr >> 3 & FE_TOWARDZERO);
		assert_int_equal(own, errno);
		assert_int_equal(own, storage);
	}
	return NULL;
}

static void who_lets_others_run_rounds_as_before(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	for (intptr_t i = 0; i < MANY; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, round_in_turns,
						   (void *)i));
	join_all(threads, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_interrupted_has_all_registers_then),
		cmocka_unit_test(who_lets_others_run_rounds_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
