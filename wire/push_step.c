#include "push_step.h"

#include "frame.h"

static void put_name(struct rh_record_writer *writer, uint16_t tag, const char *name)
{
	if (name[0])
		rh_record_put_text(writer, tag, name);
}

static void put_number(struct rh_record_writer *writer, uint16_t tag, uint64_t number)
{
	if (number)
		rh_record_put_u64(writer, tag, number);
}

void rh_push_step_put(struct rh_record_writer *writer, const struct rh_push_step *step)
{
	rh_record_put_u32(writer, RH_TAG_FLAGS, step->process);
	rh_record_put_u32(writer, RH_TAG_STEP, step->step);
	rh_record_put_u64(writer, RH_TAG_TIME, step->time_ns);
	put_number(writer, RH_TAG_TOOK, step->took_ns);
	put_number(writer, RH_TAG_REVISION, step->revision);
	put_number(writer, RH_TAG_PREV, step->prev);
	put_number(writer, RH_TAG_BYTES, step->bytes);
	if (step->missed)
		rh_record_put_u32(writer, RH_TAG_COUNT, step->missed);
	put_name(writer, RH_TAG_RESOURCE, step->resource);
	put_name(writer, RH_TAG_CALLER, step->caller);
	put_name(writer, RH_TAG_CALLEE, step->callee);
	rh_record_put_text(writer, RH_TAG_TEXT, step->text);
}

/* Absent is 0 or ""; what is there must be right. */
static int read_rest(const struct rh_record_reader *reader, struct rh_push_step *step)
{
	const struct {
		uint16_t  tag;
		uint64_t *number;
	} numbers[] = {
		{ RH_TAG_TOOK, &step->took_ns }, { RH_TAG_REVISION, &step->revision },
		{ RH_TAG_PREV, &step->prev }, { RH_TAG_BYTES, &step->bytes },
	};
	const struct {
		uint16_t tag;
		char    *name;
	} names[] = {
		{ RH_TAG_RESOURCE, step->resource }, { RH_TAG_CALLER, step->caller },
		{ RH_TAG_CALLEE, step->callee },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		int r = rh_record_u64(reader, numbers[i].tag, numbers[i].number);

		if (r < 0 && r != RH_ENOENT)
			return RH_EPROTO;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		int r = rh_record_text(reader, names[i].tag, names[i].name,
		                       sizeof step->resource);

		if (r < 0 && r != RH_ENOENT)
			return RH_EPROTO;
	}
	return rh_record_u32(reader, RH_TAG_COUNT, &step->missed) == RH_EPROTO
	       ? RH_EPROTO : RH_OK;
}

int rh_push_step_read(const struct rh_record_reader *reader,
                      struct rh_push_step *ret_step)
{
	struct rh_push_step step = { .process = 0 };

	if (rh_record_u32(reader, RH_TAG_FLAGS, &step.process) < 0 ||
	    rh_record_u32(reader, RH_TAG_STEP, &step.step) < 0 ||
	    rh_record_u64(reader, RH_TAG_TIME, &step.time_ns) < 0 ||
	    rh_record_text(reader, RH_TAG_TEXT, step.text, sizeof step.text) < 0 ||
	    step.process == 0 || step.process >= RH_PUSH_PROCESSES || step.step == 0 ||
	    step.step > RH_PUSH_STEPS || read_rest(reader, &step) < 0)
		return RH_EPROTO;
	*ret_step = step;
	return RH_OK;
}
