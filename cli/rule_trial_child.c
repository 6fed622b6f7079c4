#include "rule_trial_child.h"

#include "rule_kernel.h"
#include "rule_sense.h"
#include "rule_trial.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../rules/author/rhodes/rule_host.h"

#include <rhodes/hook/sched_layout.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED        0x9e3779b97f4a7c15u
#define BLOCK       64u /* inputs that are timed together */
#define SAMPLES_MAX 4096u
#define TIMING_NS   (300u * RH_NS_PER_MS)

struct run {
	struct rh_trial            *trial;
	const struct rh_hook       *hook;
	struct rh_rule             *rule;   /* or, in the kernel:     */
	struct rh_kernel_rule      *kernel;
	struct rh_rule_host         host; /* that says the same every time */
	const struct rh_rule_input *input;
	uint64_t                    random;
	bool                        is_real; /* clock and random numbers are */
};

/* ---- what the rule asks for ---- */

static uint64_t input_now(const struct run *run)
{
	for (unsigned i = 0; run->input && i < run->hook->field_count; i++) {
		if (strcmp(run->hook->fields[i].name, "now_ns") == 0)
			return run->input->fields[i];
	}
	return 0;
}

static uint64_t host_now(void *user)
{
	return input_now(user);
}

static uint64_t host_random(void *user)
{
	struct run *run = user;

	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random * 0x2545f4914f6cdd1du;
}

static void host_log(void *user, const char *text, uint32_t length)
{
	struct rh_trial_page *page = ((struct run *)user)->trial->page;
	uint64_t              line = page->lines++;
	uint32_t              len = length < RH_TRIAL_LINE_MAX - 1 ? length :
	                                                             RH_TRIAL_LINE_MAX - 1;

	if (line >= RH_TRIAL_LINES_MAX)
		return;
	for (uint32_t i = 0; i < len; i++)
		page->log[line][i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
	page->log[line][len] = 0;
}

static int32_t host_param(void *user, const char *name, uint32_t length, char *into,
                          uint32_t room)
{
	const struct rh_rule_inputs *inputs = ((struct run *)user)->trial->inputs;

	for (unsigned i = 0; i < inputs->param_count; i++) {
		const struct rh_rule_param *param = &inputs->params[i];
		size_t                      len = strlen(param->value);

		if (strlen(param->name) != length || memcmp(param->name, name, length) != 0)
			continue;
		if (len > room)
			return -1;
		memcpy(into, param->value, len);
		return (int32_t)len;
	}
	return -1;
}

static uint32_t host_list(void *user, char *into, uint32_t room)
{
	const struct rh_rule_inputs *inputs = ((struct run *)user)->trial->inputs;
	uint32_t                     used = 0;

	for (unsigned i = 0; i < inputs->param_count; i++) {
		const struct rh_rule_param *param = &inputs->params[i];
		int len = snprintf(into + used, room - used, "%s=%s", param->name, param->value);

		if (len < 0 || (uint32_t)len >= room - used)
			return 0;
		used += (uint32_t)len + 1;
	}
	return used;
}

/* ---- the rule, here or in the kernel ---- */

static bool has(const struct run *run, unsigned slot)
{
	return run->kernel ? rh_kernel_has(run->kernel, slot) : rh_rule_has(run->rule, slot);
}

static uint8_t *buffer_of(const struct run *run)
{
	return run->kernel ? rh_kernel_buffer(run->kernel) : rh_rule_buffer(run->rule);
}

static int call(struct run *run, const struct rh_rule_input *input, uint64_t *ret_value)
{
	return run->kernel
		? rh_kernel_call(run->kernel, input->slot, input->args[0], input->args[1],
		                 input_now(run), &run->random, ret_value)
		: rh_rule_call(run->rule, input->slot, input->args[0], input->args[1], ret_value);
}

/* ---- one call ---- */

static bool is_last(const struct run *run, unsigned field)
{
	return field + 1 == run->hook->field_count;
}

/* A place of bytes but the last. */
static void fill_text(const struct rh_hook_field *field, const char *text, uint8_t *buffer)
{
	memset(buffer + field->offset, 0, field->bytes);
	if (text)
		memcpy(buffer + field->offset, text, strlen(text));
}

static int load(struct run *run, struct rh_diag *diag)
{
	struct rh_trial      *trial = run->trial;
	struct rh_rule_source source = {
		.hook = run->hook, .mode = trial->mode, .object_fd = trial->object_fd,
		.limits = trial->limits, .params = trial->inputs->params,
		.param_count = trial->inputs->param_count,
		.host = run->is_real ? NULL : &run->host,
	};

	rh_rule_destroy(run->rule);
	rh_kernel_destroy(run->kernel);
	run->rule = NULL;
	run->kernel = NULL;
	run->random = SEED;
	if (trial->is_kernel)
		return rh_kernel_load(run->hook, trial->object_fd, &run->kernel, diag);
	return rh_rule_load(&source, &run->rule, diag);
}

static void fill(const struct run *run, const struct rh_rule_input *input, uint8_t *buffer)
{
	for (unsigned i = 0; i < run->hook->field_count; i++) {
		const struct rh_hook_field *field = &run->hook->fields[i];
		uint32_t                    word = (uint32_t)input->fields[i];

		if (is_last(run, i))
			break;
		if (field->is_kept || field->count)
			continue;
		if (field->is_bytes)
			fill_text(field, input->texts ? input->texts[i] : NULL, buffer);
		else if (field->bytes == sizeof word)
			memcpy(buffer + field->offset, &word, sizeof word);
		else
			memcpy(buffer + field->offset, &input->fields[i], sizeof input->fields[i]);
	}
	for (unsigned i = 0; i < input->places.count; i++) {
		const struct rh_rule_place *place = &input->places.items[i];

		memcpy(buffer + place->offset, &place->value, place->bytes); /* little-endian */
	}
	if (input->len)
		memcpy(buffer + run->hook->state_offset, input->bytes, input->len);
}

static uint32_t count_misplaced(const struct rh_rule_expected *expected,
                                const uint8_t *buffer)
{
	uint32_t count = 0;

	for (unsigned i = 0; expected && i < expected->places.count; i++) {
		const struct rh_rule_place *place = &expected->places.items[i];

		count += memcmp(buffer + place->offset, &place->value, place->bytes) != 0;
	}
	return count;
}

static uint64_t read_field(const struct rh_hook_field *field, const uint8_t *buffer)
{
	uint32_t word;
	uint64_t number;

	if (field->is_bytes || field->count)
		return rh_rule_hash(buffer + field->offset,
		                    (size_t)field->bytes * (field->count ? field->count : 1));
	if (field->bytes == sizeof word) {
		memcpy(&word, buffer + field->offset, sizeof word);
		return word;
	}
	memcpy(&number, buffer + field->offset, sizeof number);
	return number;
}

/* Does the function return how many bytes its answer has? */
static bool returns_length(const struct run *run)
{
	const char *name = run->hook->exports[run->input->slot].parameters[0];

	return name && strcmp(name, "length") == 0;
}

/* As many bytes count as were given, or as the rule says by `length` or its result. */
static void read_answer(const struct run *run, const uint8_t *buffer,
                        struct rh_trial_answer *answer)
{
	uint32_t len = (uint32_t)run->input->len;
	unsigned out = 0;

	for (unsigned i = 0; i < run->hook->field_count; i++) {
		const struct rh_hook_field *field = &run->hook->fields[i];

		if (is_last(run, i) || !field->is_out)
			continue;
		uint64_t value = read_field(field, buffer);
		if (out < RH_TRIAL_OUT_MAX)
			answer->fields[out++] = value;
		if (strcmp(field->name, "length") == 0 && value <= run->hook->state_bytes)
			len = (uint32_t)value;
	}
	if (returns_length(run) && answer->value <= run->hook->state_bytes)
		len = (uint32_t)answer->value;
	answer->len = len;
	answer->bytes = rh_rule_hash(buffer + run->hook->state_offset, len);
}

static uint64_t sized(const struct run *run, uint64_t value)
{
	const char *result = strchr(run->hook->exports[run->input->slot].signature, ':');

	return result[1] == 'i' ? (uint32_t)value : value;
}

static void count_failure(const struct run *run, struct rh_trial_answer *answer)
{
	const struct rh_rule_counters *counters = run->kernel ? NULL
	                                                      : rh_rule_counters(run->rule);

	answer->state = RH_TRIAL_FAILED;
	for (int kind = 0; counters && kind < RH_FAILURES; kind++) {
		if (counters->failures[kind])
			answer->failure = (uint8_t)kind;
	}
	run->trial->page->failures[answer->failure]++;
}

/* What the rule does not have is answered by 0, as its absence means for each hook. */
static void ask(struct run *run, struct rh_trial_answer *answer)
{
	const struct rh_rule_input *input = run->input;
	uint8_t                    *buffer = buffer_of(run);
	uint64_t                    value = 0;

	if (buffer)
		fill(run, input, buffer);
	if (!buffer || (has(run, input->slot) && call(run, input, &value) < 0)) {
		count_failure(run, answer);
		return;
	}
	answer->value = sized(run, value);
	read_answer(run, buffer, answer);
	answer->record = (uint8_t)rh_rule_task(run->hook, input, buffer,
	                                       strcmp(run->hook->name, "sched") == 0 &&
	                                       has(run, RH_SLOT_SCHED_RUNNING));
	answer->misplaced = count_misplaced(input->expected, buffer);
	answer->state = RH_TRIAL_ANSWERED;
	if (!rh_rule_nonsense(run->hook, input, answer))
		return;
	answer->state = RH_TRIAL_FAILED; /* the rule goes on as it is */
	answer->failure = RH_FAILED_VALUE;
	run->trial->page->failures[RH_FAILED_VALUE]++;
}

/* ---- all of them ---- */

static void refuse(struct run *run, int err, const struct rh_diag *diag)
{
	run->trial->page->err = err;
	snprintf(run->trial->page->why, RH_DIAG_MAX, "%s", diag->text);
	_exit(1);
}

static void answer_all(struct run *run, size_t first)
{
	struct rh_trial_page *page = run->trial->page;
	struct rh_diag        diag = { 0 };

	for (size_t i = first; i < run->trial->inputs->count; i++) {
		run->input = &run->trial->inputs->items[i];
		run->random = SEED * (2 * i + 1); /* the same also behind a fault */
		page->at = i;
		ask(run, &page->answers[i]);
		page->progress++;
		if (page->answers[i].state != RH_TRIAL_FAILED ||
		    page->answers[i].failure == RH_FAILED_VALUE)
			continue;
		int err = load(run, &diag);
		if (err < 0)
			refuse(run, err, &diag);
	}
}

/* ---- what it costs ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *samples, size_t count)
{
	if (count == 0)
		return 0;
	qsort(samples, count, sizeof *samples, by_size);
	return samples[count / 2];
}

static bool is_timed(const struct run *run, size_t i)
{
	return run->trial->page->answers[i].state == RH_TRIAL_ANSWERED &&
	       has(run, run->trial->inputs->items[i].slot);
}

/* Those inputs once; returns how many calls it was, 0 when one of them failed. */
static unsigned run_inputs(struct run *run, size_t from, size_t to, bool has_calls)
{
	unsigned calls = 0;

	for (size_t i = from; i < to; i++) {
		const struct rh_rule_input *input = &run->trial->inputs->items[i];
		uint8_t                    *buffer;
		uint64_t                    value;

		if (!is_timed(run, i))
			continue;
		buffer = buffer_of(run);
		if (!buffer)
			return 0;
		fill(run, input, buffer);
		calls++;
		if (has_calls && call(run, input, &value) < 0)
			return 0;
	}
	return calls;
}

/* A block is never so short that one sees the clock instead of the rule. */
static unsigned run_block(struct run *run, size_t from, size_t to, bool has_calls)
{
	unsigned calls = 0, more;

	do {
		more = run_inputs(run, from, to, has_calls);
		calls = more ? calls + more : 0;
	} while (more && calls < BLOCK && to - from < BLOCK);
	run->trial->page->progress++;
	return calls;
}

struct samples {
	double whole[SAMPLES_MAX];
	double filling[SAMPLES_MAX];
	size_t count;
};

static void time_block(struct run *run, size_t from, size_t to, struct samples *samples)
{
	uint64_t begin = rh_clock_ns();
	unsigned calls = run_block(run, from, to, true);
	uint64_t middle = rh_clock_ns();

	if (calls == 0)
		return;
	run_block(run, from, to, false);
	uint64_t end = rh_clock_ns();
	samples->whole[samples->count] = (double)(middle - begin) / calls;
	samples->filling[samples->count] = (double)(end - middle) / calls;
	samples->count++;
	run->trial->page->timed += calls;
}

static void time_all(struct run *run)
{
	static struct samples samples;
	struct rh_trial_page *page = run->trial->page;
	size_t                count = run->trial->inputs->count;
	uint64_t              end = rh_clock_ns() + TIMING_NS;
	struct rh_diag        diag;

	page->is_timing = true;
	run->is_real = true;
	if (!run->kernel && load(run, &diag) < 0)
		return;
	do {
		for (size_t from = 0; from < count && samples.count < SAMPLES_MAX; from += BLOCK)
			time_block(run, from, from + BLOCK < count ? from + BLOCK : count, &samples);
	} while (samples.count && samples.count < SAMPLES_MAX && rh_clock_ns() < end);
	page->fill_ns = median(samples.filling, samples.count);
	page->median_ns = median(samples.whole, samples.count) - page->fill_ns;
	if (page->median_ns < 0)
		page->median_ns = 0;
}

_Noreturn void rh_trial_child(struct rh_trial *trial, size_t first)
{
	struct run run = {
		.trial = trial, .hook = trial->inputs->hook,
		.host = { .now = host_now, .random = host_random, .log = host_log,
		          .param = host_param, .list = host_list },
	};
	struct rh_diag diag = { 0 };
	int            err;

	run.host.user = &run;
	err = load(&run, &diag);
	if (err < 0)
		refuse(&run, err, &diag);
	trial->page->is_loaded = true;
	answer_all(&run, first);
	if (run.kernel)
		trial->page->lines = rh_kernel_lines(run.kernel);
	time_all(&run);
	trial->page->is_done = true;
	_exit(0);
}
