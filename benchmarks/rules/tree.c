/* tree - what a scheduler does with a tree, as a filter: of 64 tasks ordered by the time
 * that each ran, the one that ran least is taken out, runs, and is put back.  A tree
 * that is balanced by the depth of its sides (AVL). */
#include <rhodes/hook/filter.h>

#define TASKS 64u
#define NONE  0u

RH_RULE(filter);

struct task {
	uint64_t ran;
	uint32_t side[2];
	int32_t  depth;
};

static struct task tasks[TASKS + 1]; /* 0 is none */
static uint32_t    root;

static void measure(uint32_t task)
{
	int32_t a = tasks[tasks[task].side[0]].depth, b = tasks[tasks[task].side[1]].depth;

	tasks[task].depth = (a > b ? a : b) + 1;
}

static uint32_t rotate(uint32_t task, int side)
{
	uint32_t up = tasks[task].side[!side];

	tasks[task].side[!side] = tasks[up].side[side];
	tasks[up].side[side] = task;
	measure(task);
	measure(up);
	return up;
}

static int32_t lean(uint32_t task)
{
	return tasks[tasks[task].side[1]].depth - tasks[tasks[task].side[0]].depth;
}

static uint32_t balance(uint32_t task)
{
	int32_t leans = lean(task);
	int     side = leans > 0;

	measure(task);
	if (leans >= -1 && leans <= 1)
		return task;
	if ((lean(tasks[task].side[side]) > 0) != side && lean(tasks[task].side[side]))
		tasks[task].side[side] = rotate(tasks[task].side[side], side);
	return rotate(task, !side);
}

static uint32_t put(uint32_t at, uint32_t task)
{
	int side = tasks[task].ran >= tasks[at].ran;

	if (at == NONE) {
		tasks[task].side[0] = tasks[task].side[1] = NONE;
		tasks[task].depth = 1;
		return task;
	}
	tasks[at].side[side] = put(tasks[at].side[side], task);
	return balance(at);
}

static uint32_t take_first(uint32_t at, uint32_t *first)
{
	if (tasks[at].side[0] == NONE) {
		*first = at;
		return tasks[at].side[1];
	}
	tasks[at].side[0] = take_first(tasks[at].side[0], first);
	return balance(at);
}

int32_t rh_init(void)
{
	for (uint32_t task = 1; task <= TASKS; task++) {
		tasks[task].ran = task * 37 % 64;
		root = put(root, task);
	}
	return 0;
}

int32_t rh_filter_before(void)
{
	uint32_t task;

	root = take_first(root, &task);
	tasks[task].ran += 10 + rh_filter.now_ns % 97;
	root = put(root, task);
	return (int32_t)(task % 2 ? RH_FILTER_ALLOW : RH_FILTER_DENY);
}
