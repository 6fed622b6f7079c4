#include "schedspec.h"

#include "../model/error.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "nice=5"; a number that a newer center has is none of ours. */
static int read_number(struct rh_sched *says, const struct rh_record *record)
{
	char  text[64], *end;
	char *value;
	int   r = rh_record_copy_text(record, text, sizeof text);

	if (r < 0 || !(value = strchr(text, '=')))
		return RH_EPROTO;
	*value++ = '\0';
	for (int i = 0; i < RH_SCHED_NUMBERS; i++) {
		if (strcmp(rh_sched_ranges[i].name, text) != 0)
			continue;
		says->at[i] = (int32_t)strtol(value, &end, 10);
		says->is_set |= 1u << i;
		return *value && !*end ? RH_OK : RH_EPROTO;
	}
	return RH_OK;
}

static int read_words(struct rh_schedspec *spec, const struct rh_record_reader *records,
                      struct rh_diag *diag)
{
	char use[RH_NAME_MAX + 1], carrier[RH_NAME_MAX + 1];

	if (rh_record_text(records, RH_TAG_RULE, spec->rule, sizeof spec->rule) < 0 ||
	    spec->rule[0] == 0 ||
	    rh_record_u64(records, RH_TAG_REVISION, &spec->revision) < 0 ||
	    rh_record_text(records, RH_TAG_POLICY, use, sizeof use) < 0 ||
	    rh_record_text(records, RH_TAG_MODE, carrier, sizeof carrier) < 0)
		return rh_diag_set(diag, RH_EPROTO, "a rule of scheduling is malformed");
	if (rh_sched_use_parse(use, strlen(use), &spec->says.use) < 0 ||
	    rh_sched_carrier_parse(carrier, strlen(carrier), &spec->says.carrier) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "rule %s: this agent does not know the "
		                   "policy %s on carrier %s", spec->rule, use, carrier);
	return RH_OK;
}

int rh_schedspec_read(struct rh_schedspec *spec, const struct rh_record_reader *reader,
                      struct rh_diag *diag)
{
	struct rh_record_reader records;
	struct rh_record        item;
	enum rh_sched_number    number;
	const char             *why;
	int                     more, r;

	*spec = (struct rh_schedspec){ .rule = "" };
	if (rh_record_find(reader, RH_TAG_SCHED_ITEM, &item) != RH_OK)
		return RH_OK;
	rh_record_read(&records, item.bytes, item.len);
	if ((r = read_words(spec, &records, diag)) < 0)
		return r;
	while ((more = rh_record_next(&records, &item)) > 0) {
		if (item.tag == RH_TAG_ENV && read_number(&spec->says, &item) < 0)
			more = RH_EPROTO;
		if (more < 0)
			break;
	}
	if (more < 0)
		return rh_diag_set(diag, RH_EPROTO, "rule %s is malformed", spec->rule);
	if (rh_sched_complete(&spec->says, &number, &why) < 0)
		return rh_diag_set(diag, RH_EINVAL, "rule %s: %s: %s", spec->rule,
		                   rh_sched_ranges[number].name, why);
	return RH_OK;
}

int rh_schedspec_is_same(const struct rh_schedspec *a, const struct rh_schedspec *b)
{
	return strcmp(a->rule, b->rule) == 0 && a->says.use == b->says.use &&
	       a->says.carrier == b->says.carrier &&
	       memcmp(a->says.at, b->says.at, sizeof a->says.at) == 0;
}

void rh_schedspec_put(struct rh_record_writer *writer, const struct rh_schedspec *spec)
{
	size_t place = rh_record_open(writer, RH_TAG_SCHED_ITEM);
	char   text[48];

	rh_record_put_text(writer, RH_TAG_RULE, spec->rule);
	rh_record_put_u64(writer, RH_TAG_REVISION, spec->revision);
	rh_record_put_text(writer, RH_TAG_POLICY, rh_sched_use_text(spec->says.use));
	rh_record_put_text(writer, RH_TAG_MODE, rh_sched_carrier_text(spec->says.carrier));
	for (int i = 0; i < RH_SCHED_NUMBERS; i++) {
		if ((spec->says.is_set >> i & 1u) == 0)
			continue;
		snprintf(text, sizeof text, "%s=%d", rh_sched_ranges[i].name,
		         (int)spec->says.at[i]);
		rh_record_put_text(writer, RH_TAG_ENV, text);
	}
	rh_record_close(writer, place);
}
