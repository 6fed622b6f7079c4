#include "sched.h"

#include "error.h"

#define FAIR (1u << RH_SCHED_CFS | 1u << RH_SCHED_EEVDF)
#define REAL (1u << RH_SCHED_FIFO | 1u << RH_SCHED_RR)
#define DUE  (1u << RH_SCHED_DEADLINE)

/* Slices as the kernel bounds them; periods up to its sched_deadline_period_max_us;
 * weights as cgroups have them. */
const struct rh_sched_range rh_sched_ranges[RH_SCHED_NUMBERS] = {
	[RH_SCHED_NICE]        = { "nice", -20, 19, FAIR },
	[RH_SCHED_PRIORITY]    = { "priority", 1, RH_SCHED_PRIORITY_MAX, REAL },
	[RH_SCHED_SLICE_US]    = { "sliceUs", 100, 100000, FAIR | 1u << RH_SCHED_RR },
	[RH_SCHED_RUNTIME_US]  = { "runtimeUs", 10, 4194304, DUE },
	[RH_SCHED_DEADLINE_US] = { "deadlineUs", 100, 4194304, DUE },
	[RH_SCHED_PERIOD_US]   = { "periodUs", 100, 4194304, DUE },
	[RH_SCHED_WEIGHT]      = { "weight", 1, 10000, FAIR },
};

static const char *const uses[RH_SCHED_USES] = {
	[RH_SCHED_CFS] = "cfs", [RH_SCHED_EEVDF] = "eevdf",
	[RH_SCHED_DEADLINE] = "deadline", [RH_SCHED_FIFO] = "fifo", [RH_SCHED_RR] = "rr",
};

static const char *const carriers[RH_SCHED_CARRIERS] = {
	[RH_SCHED_HOST] = "host", [RH_SCHED_FIBER] = "fiber", [RH_SCHED_EXT] = "sched_ext",
};

const char *rh_sched_use_text(enum rh_sched_use use)
{
	return use < RH_SCHED_USES ? uses[use] : "?";
}

const char *rh_sched_carrier_text(enum rh_sched_carrier carrier)
{
	return carrier < RH_SCHED_CARRIERS ? carriers[carrier] : "?";
}

static int find(const char *const *words, int count, const char *text, size_t len)
{
	for (int i = 0; i < count; i++) {
		size_t j = 0;

		while (j < len && words[i][j] == text[j] && text[j])
			j++;
		if (j == len && words[i][j] == 0)
			return i;
	}
	return RH_EINVAL;
}

int rh_sched_use_parse(const char *text, size_t len, enum rh_sched_use *ret_use)
{
	int found = find(uses, RH_SCHED_USES, text, len);

	if (found < 0)
		return found;
	*ret_use = (enum rh_sched_use)found;
	return RH_OK;
}

int rh_sched_carrier_parse(const char *text, size_t len,
                           enum rh_sched_carrier *ret_carrier)
{
	int found = find(carriers, RH_SCHED_CARRIERS, text, len);

	if (found < 0)
		return found;
	*ret_carrier = (enum rh_sched_carrier)found;
	return RH_OK;
}

static int is_set(const struct rh_sched *sched, enum rh_sched_number number)
{
	return (sched->is_set >> number & 1u) != 0;
}

static int refuse(enum rh_sched_number number, const char *why,
                  enum rh_sched_number *ret_number, const char **ret_why)
{
	*ret_number = number;
	*ret_why = why;
	return RH_EINVAL;
}

static int check_number(const struct rh_sched *sched, enum rh_sched_number number,
                        enum rh_sched_number *ret_number, const char **ret_why)
{
	const struct rh_sched_range *range = &rh_sched_ranges[number];

	if (!is_set(sched, number))
		return RH_OK;
	if ((range->uses >> sched->use & 1u) == 0)
		return refuse(number, "the policy does not take it", ret_number, ret_why);
	if (sched->at[number] < range->least || sched->at[number] > range->most)
		return refuse(number, "it is out of its range", ret_number, ret_why);
	return RH_OK;
}

/* A period is a deadline that is not named, and the other way round; the budget is at
 * most as long as the default one. */
static void fill_due(struct rh_sched *sched)
{
	int32_t *runtime = &sched->at[RH_SCHED_RUNTIME_US];
	int32_t *deadline = &sched->at[RH_SCHED_DEADLINE_US];
	int32_t *period = &sched->at[RH_SCHED_PERIOD_US];

	if (!is_set(sched, RH_SCHED_PERIOD_US))
		*period = is_set(sched, RH_SCHED_DEADLINE_US) ? *deadline
		        : RH_SCHED_PERIOD_DEFAULT_US;
	if (!is_set(sched, RH_SCHED_DEADLINE_US))
		*deadline = *period;
	if (!is_set(sched, RH_SCHED_RUNTIME_US))
		*runtime = *deadline / 10 < RH_SCHED_RUNTIME_DEFAULT_US
		         ? *deadline / 10 : RH_SCHED_RUNTIME_DEFAULT_US;
}

int rh_sched_complete(struct rh_sched *sched, enum rh_sched_number *ret_number,
                      const char **ret_why)
{
	int r = RH_OK;

	for (int i = 0; i < RH_SCHED_NUMBERS && r == RH_OK; i++) {
		r = check_number(sched, (enum rh_sched_number)i, ret_number, ret_why);
		if (!is_set(sched, (enum rh_sched_number)i))
			sched->at[i] = 0;
	}
	if (r < 0)
		return r;
	if ((REAL >> sched->use & 1u) && !is_set(sched, RH_SCHED_PRIORITY))
		sched->at[RH_SCHED_PRIORITY] = 1;
	if (sched->use == RH_SCHED_RR && sched->carrier == RH_SCHED_HOST &&
	    is_set(sched, RH_SCHED_SLICE_US))
		return refuse(RH_SCHED_SLICE_US, "the kernel has one slice for all of rr: "
		              "only the carrier fiber takes it", ret_number, ret_why);
	if (sched->use != RH_SCHED_DEADLINE)
		return RH_OK;
	fill_due(sched);
	if (sched->at[RH_SCHED_RUNTIME_US] > sched->at[RH_SCHED_DEADLINE_US])
		return refuse(RH_SCHED_RUNTIME_US, "it is more than the deadline", ret_number,
		              ret_why);
	if (sched->at[RH_SCHED_DEADLINE_US] > sched->at[RH_SCHED_PERIOD_US])
		return refuse(RH_SCHED_DEADLINE_US, "it is more than the period", ret_number,
		              ret_why);
	return RH_OK;
}
