#include "verdict.h"

#include "../../model/error.h"

#include <string.h>

/* One call, copied: plain values. */
struct look {
	uint64_t id;
	uint32_t entered, left, life, told, kind;
	uint32_t line_life, line_ended;
	const struct history_call *call;
};

static void blame(struct verdict *verdict, const struct look *look,
                  enum verdict_fault fault)
{
	uint64_t nth = verdict->faults[fault]++;

	if (nth < VERDICT_EXAMPLES)
		verdict->examples[fault][nth] = look->id;
}

static void judge_runs(struct verdict *verdict, const struct look *look)
{
	/* A replayed call runs again only after its caller was told that it succeeded. */
	int may_repeat = look->kind == HISTORY_IDEMPOTENT ||
	                 (look->kind == HISTORY_REPLAYED &&
	                  look->told == HISTORY_SUCCESS);

	if (look->told == HISTORY_SUCCESS && look->left == 0)
		blame(verdict, look, VERDICT_LOST);
	if (look->told == HISTORY_SURELY_NOT && look->entered > 0)
		blame(verdict, look, VERDICT_RAN);
	if (look->entered > 1 && !may_repeat)
		blame(verdict, look, VERDICT_TWICE);
}

/* Without an answer: its caller was killed, or is still waiting. */
static void judge_untold(struct verdict *verdict, const struct look *look)
{
	if (look->life < look->line_life)
		return;
	blame(verdict, look, look->life == look->line_ended ? VERDICT_UNTOLD
	                                                    : VERDICT_HANG);
}

static int is_loss(int32_t code)
{
	return code == RH_ELOST || code == RH_EGONE;
}

static void judge_end(struct verdict *verdict, const struct look *look,
                      const struct history *history)
{
	const struct history_call *call = look->call;
	uint64_t                   spent = call->ended - call->began;

	if (call->ended < call->began) {
		blame(verdict, look, VERDICT_TORN);
		return;
	}
	if (spent > verdict->longest_ns)
		verdict->longest_ns = spent;
	if (look->told == HISTORY_SUCCESS && call->got != call->expected)
		blame(verdict, look, VERDICT_WRONG);
	if (spent >= history->deadline_ns)
		blame(verdict, look, VERDICT_HANG);
	else if (look->told != HISTORY_SUCCESS && look->kind == HISTORY_IDEMPOTENT &&
	         is_loss(call->code))
		blame(verdict, look, VERDICT_GAVE_UP);
}

static int is_torn(const struct look *look)
{
	return look->left > look->entered || look->life > look->line_life ||
	       look->told >= HISTORY_TOLDS || look->kind >= HISTORY_KINDS;
}

static void judge(struct verdict *verdict, const struct look *look,
                  const struct history *history)
{
	if (is_torn(look)) {
		blame(verdict, look, VERDICT_TORN);
		return;
	}
	if (look->life == 0) {
		if (look->entered > 0)
			blame(verdict, look, VERDICT_UNCALLED);
		return;
	}
	verdict->calls++;
	verdict->told[look->told]++;
	verdict->again += look->entered > 1;
	verdict->cut += look->entered - look->left;
	judge_runs(verdict, look);
	if (look->told == HISTORY_UNTOLD)
		judge_untold(verdict, look);
	else
		judge_end(verdict, look, history);
}

void verdict_find(const struct history *history, struct verdict *ret_verdict)
{
	memset(ret_verdict, 0, sizeof *ret_verdict);
	ret_verdict->strays = atomic_load(&history->strays);
	for (uint32_t l = 0; l < history->lines; l++) {
		const struct history_line *line = &history->line[l];

		for (uint32_t i = 0; i < history->per_line; i++) {
			uint64_t id = (uint64_t)l * history->per_line + i;
			const struct history_call *call = &history->call[id];
			const struct look          look = {
				.id = id, .call = call,
				.entered = atomic_load(&call->entered),
				.left = atomic_load(&call->left),
				.life = atomic_load(&call->life),
				.told = atomic_load(&call->told),
				.kind = call->kind,
				.line_life = atomic_load(&line->life),
				.line_ended = atomic_load(&line->ended),
			};

			judge(ret_verdict, &look, history);
		}
	}
}

int verdict_is_good(const struct verdict *verdict)
{
	for (int i = 0; i < VERDICT_FAULTS; i++) {
		if (verdict->faults[i] > 0)
			return 0;
	}
	return verdict->strays == 0;
}

const char *verdict_fault_text(enum verdict_fault fault)
{
	static const char *const texts[VERDICT_FAULTS] = {
		[VERDICT_LOST] = "lost: told success, did not run to its end",
		[VERDICT_TWICE] = "twice: ran more often than it may",
		[VERDICT_RAN] = "ran: told that it surely did not run",
		[VERDICT_WRONG] = "wrong: another value than what it must return",
		[VERDICT_HANG] = "hang: not over before its deadline",
		[VERDICT_GAVE_UP] = "gave up: could be repeated, and was not",
		[VERDICT_UNTOLD] = "untold: its caller went on without an answer",
		[VERDICT_UNCALLED] = "uncalled: ran and was never made",
		[VERDICT_TORN] = "torn: the entry contradicts itself",
	};

	return texts[fault];
}

const char *verdict_told_text(enum history_told told)
{
	static const char *const texts[HISTORY_TOLDS] = {
		[HISTORY_UNTOLD] = "untold", [HISTORY_SUCCESS] = "success",
		[HISTORY_SURELY_NOT] = "surely not", [HISTORY_MAYBE] = "maybe",
		[HISTORY_DROPPED] = "dropped",
	};

	return texts[told];
}
