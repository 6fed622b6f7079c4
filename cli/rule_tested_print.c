#include "rule_test.h"

#include "rule_sense.h"
#include "table.h"
#include "text.h"

#include "../base/plural.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN_MAX 10u /* inputs that differ */
#define ANSWER_MAX 400u

/* ---- one answer ---- */

static long long as_signed(const char *signature, uint64_t value)
{
	return strchr(signature, ':')[1] == 'i' ? (long long)(int32_t)(uint32_t)value
	                                        : (long long)value;
}

static void failure_text(const struct rh_rule_tested *tested, size_t input,
                         const struct rh_trial_answer *answer, char *text, size_t room)
{
	if (answer->failure == RH_FAILED_VALUE) {
		snprintf(text, room, "says %llu, which makes no sense: %s",
		         (unsigned long long)answer->value,
		         rh_rule_nonsense(tested->inputs->hook, &tested->inputs->items[input],
		                          answer));
		return;
	}
	if (answer->signal)
		snprintf(text, room, "fails (%s, signal %u)",
		         rh_rule_failure_name((enum rh_rule_failure)answer->failure),
		         answer->signal);
	else
		snprintf(text, room, "fails (%s)",
		         rh_rule_failure_name((enum rh_rule_failure)answer->failure));
}

/* "1, chosen 0, error 11" */
static const char *answer_text(const struct rh_rule_tested *tested, unsigned mode,
                               size_t input, char text[ANSWER_MAX])
{
	const struct rh_trial_answer *answer = &tested->modes[mode].trial.page->answers[input];
	const struct rh_hook         *hook = tested->inputs->hook;
	unsigned slot = tested->inputs->items[input].slot, out = 0;
	size_t   used;

	if (answer->state == RH_TRIAL_NOT_RUN)
		return "was not asked: it had failed too often";
	if (answer->state == RH_TRIAL_FAILED) {
		failure_text(tested, input, answer, text, ANSWER_MAX);
		return text;
	}
	used = (size_t)snprintf(text, ANSWER_MAX, "%lld",
	                        as_signed(hook->exports[slot].signature, answer->value));
	for (unsigned i = 0; i + 1 < hook->field_count && used < ANSWER_MAX &&
	                     out < RH_TRIAL_OUT_MAX; i++) {
		if (!hook->fields[i].is_out)
			continue;
		used += (size_t)snprintf(text + used, ANSWER_MAX - used, ", %s %s%" PRIu64,
		                         hook->fields[i].name, hook->fields[i].is_bytes
		                         ? "hash " : "", answer->fields[out]);
		out++;
	}
	if (answer->len && used < ANSWER_MAX)
		snprintf(text + used, ANSWER_MAX - used, ", %u bytes (hash %08x)", answer->len,
		         (unsigned)(answer->bytes ^ answer->bytes >> 32));
	return text;
}

static void print_input(const struct rh_rule_tested *tested, size_t i, const char *what,
                        FILE *out)
{
	const struct rh_rule_input *input = &tested->inputs->items[i];
	char                        text[ANSWER_MAX];

	fprintf(out, "%s:%u: %s %s\n", input->file, input->line,
	        tested->inputs->hook->exports[input->slot].name, what);
	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		if (tested->modes[mode].is_run)
			fprintf(out, "  %-16s %s\n",
			        rh_rule_test_mode_name((enum rh_rule_test_mode)mode),
			        answer_text(tested, mode, i, text));
	}
}

/* ---- the modes ---- */

static unsigned long long failures_but(const struct rh_trial_page *page)
{
	unsigned long long count = 0;

	for (int kind = 0; kind < RH_FAILURES; kind++) {
		if (kind != RH_FAILED_TRAP && kind != RH_FAILED_TIMEOUT)
			count += page->failures[kind];
	}
	return count;
}

static size_t count_answers(const struct rh_rule_tested *tested, unsigned mode)
{
	size_t count = 0;

	for (size_t i = 0; i < tested->inputs->count; i++)
		count += tested->modes[mode].trial.page->answers[i].state == RH_TRIAL_ANSWERED;
	return count;
}

static void add_row(const struct rh_rule_tested *tested, unsigned mode,
                    struct rh_table *table)
{
	const struct rh_trial_page *page = tested->modes[mode].trial.page;
	char                        cost[32] = "";

	if (page->is_done && page->timed)
		snprintf(cost, sizeof cost, "%.1f", page->median_ns);
	rh_table_text(table, rh_rule_test_mode_name((enum rh_rule_test_mode)mode));
	rh_table_number(table, (long long)count_answers(tested, mode));
	rh_table_number(table, (long long)page->failures[RH_FAILED_TRAP]);
	rh_table_number(table, (long long)page->failures[RH_FAILED_TIMEOUT]);
	rh_table_number(table, (long long)failures_but(page));
	rh_table_number(table, (long long)page->lines);
	rh_table_text(table, cost);
}

static void print_modes(const struct rh_rule_tested *tested, FILE *out, bool has_color)
{
	static const char *const headings[] = {
		"MODE", "+ANSWERS", "+TRAPS", "+TIMEOUTS", "+OTHER FAILURES", "+LOG LINES",
		"+NS A CALL", NULL,
	};
	struct rh_table table;

	rh_table_init(&table, headings);
	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		if (tested->modes[mode].is_run)
			add_row(tested, mode, &table);
	}
	rh_table_print(&table, out, true, has_color);
	rh_table_fini(&table);
	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		if (!tested->modes[mode].is_run && tested->modes[mode].why[0])
			fprintf(out, "%s: not run: %s\n",
			        rh_rule_test_mode_name((enum rh_rule_test_mode)mode),
			        tested->modes[mode].why);
	}
}

static void print_log(const struct rh_rule_tested *tested, FILE *out)
{
	const struct rh_trial_page *page =
		tested->modes[rh_rule_tested_first(tested)].trial.page;
	uint64_t shown = page->lines < RH_TRIAL_LINES_MAX ? page->lines : RH_TRIAL_LINES_MAX;

	for (uint64_t i = 0; i < shown; i++)
		fprintf(out, "log: %s\n", page->log[i]);
	if (shown < page->lines)
		fprintf(out, "log: and %" PRIu64 " more\n", page->lines - shown);
}

/* ---- all ---- */

static unsigned count_modes(const struct rh_rule_tested *tested)
{
	unsigned count = 0;

	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++)
		count += tested->modes[mode].is_run;
	return count;
}

static void print_differences(const struct rh_rule_tested *tested, FILE *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < tested->inputs->count && shown < SHOWN_MAX; i++) {
		bool is_same = rh_rule_tested_agree(tested, i);

		if (is_same && rh_rule_tested_expected(tested, i))
			continue;
		shown++;
		print_input(tested, i, !is_same ? "is answered differently" :
		            tested->inputs->items[i].expected ? "is not answered as expected" :
		            "fails", out);
	}
}

void rh_rule_tested_print(const struct rh_rule_tested *tested, FILE *out, bool has_color)
{
	size_t count = tested->inputs->count;

	print_modes(tested, out, has_color);
	print_log(tested, out);
	print_differences(tested, out);
	if (tested->differences + tested->unexpected == 0)
		fprintf(out, "%zu input%s: %s\n", count, rh_plural(count), count_modes(tested) > 1
		        ? "the same answers in every mode, as expected"
		        : "answered as expected, in one mode alone");
	else
		fprintf(out, "%zu input%s: %zu answered differently, %zu not as expected\n", count,
		        rh_plural(count), tested->differences, tested->unexpected);
}

/* ---- for programs ---- */

static json_t *mode_json(const struct rh_rule_tested *tested, unsigned mode)
{
	const struct rh_rule_tested_mode *tried = &tested->modes[mode];
	json_t *object = json_pack("{s:s, s:b}", "mode",
		rh_rule_test_mode_name((enum rh_rule_test_mode)mode), "ran", tried->is_run);
	json_t *failures = json_object();

	if (!tried->is_run) {
		json_decref(failures);
		json_object_set_new(object, "why", json_string(tried->why));
		return object;
	}
	for (int kind = 0; kind < RH_FAILURES; kind++) {
		if (tried->trial.page->failures[kind])
			json_object_set_new(failures,
				rh_rule_failure_name((enum rh_rule_failure)kind),
				json_integer((json_int_t)tried->trial.page->failures[kind]));
	}
	json_object_set_new(object, "answers",
	                    json_integer((json_int_t)count_answers(tested, mode)));
	json_object_set_new(object, "failures", failures);
	json_object_set_new(object, "logLines",
	                    json_integer((json_int_t)tried->trial.page->lines));
	if (tried->trial.page->is_done && tried->trial.page->timed) {
		json_object_set_new(object, "nsPerCall", json_real(tried->trial.page->median_ns));
		json_object_set_new(object, "timedCalls",
		                    json_integer((json_int_t)tried->trial.page->timed));
	}
	return object;
}

static json_t *input_json(const struct rh_rule_tested *tested, size_t i)
{
	const struct rh_rule_input *input = &tested->inputs->items[i];
	json_t *answers = json_object();
	char    text[ANSWER_MAX];

	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		if (tested->modes[mode].is_run)
			json_object_set_new(answers,
				rh_rule_test_mode_name((enum rh_rule_test_mode)mode),
				json_string(answer_text(tested, mode, i, text)));
	}
	return json_pack("{s:s, s:i, s:s, s:o}", "file", input->file, "line", (int)input->line,
	                 "call", tested->inputs->hook->exports[input->slot].name, "answers",
	                 answers);
}

json_t *rh_rule_tested_json(const struct rh_rule_tested *tested)
{
	json_t *modes = json_array(), *different = json_array(), *unexpected = json_array();

	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		if (tested->modes[mode].is_run || tested->modes[mode].why[0])
			json_array_append_new(modes, mode_json(tested, mode));
	}
	for (size_t i = 0; i < tested->inputs->count; i++) {
		if (!rh_rule_tested_agree(tested, i))
			json_array_append_new(different, input_json(tested, i));
		if (!rh_rule_tested_expected(tested, i))
			json_array_append_new(unexpected, input_json(tested, i));
	}
	return json_pack("{s:s, s:I, s:b, s:o, s:o, s:o}", "hook", tested->inputs->hook->name,
	                 "inputs", (json_int_t)tested->inputs->count, "ok",
	                 tested->differences + tested->unexpected == 0, "modes", modes,
	                 "different", different, "unexpected", unexpected);
}
