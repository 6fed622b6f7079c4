#include "verdict.h"

#include "check.h"
#include "error.h"
#include "text.h"

static const char *const outcomes[RH_OUTCOMES] = {
	[RH_OUTCOME_NONE]    = "none",
	[RH_OUTCOME_PENDING] = "pending",
	[RH_OUTCOME_ALLOWED] = "allowed",
	[RH_OUTCOME_REFUSED] = "refused",
};

static const struct {
	const char *text;
	int         error; /* of a refusal for this reason */
} reasons[RH_REASONS] = {
	[RH_REASON_HIERARCHY]  = { "hierarchy",  RH_ELAYER },
	[RH_REASON_EXCEPTION]  = { "exception",  RH_ELAYER },
	[RH_REASON_PENDING]    = { "pending",    RH_EPENDING },
	[RH_REASON_UNDECLARED] = { "undeclared", RH_ENOEDGE },
	[RH_REASON_UNKNOWN]    = { "unknown",    RH_ENOENT },
	[RH_REASON_SELF]       = { "self",       RH_EINVAL },
	[RH_REASON_DUPLICATE]  = { "duplicate",  RH_EINVAL },
};

const char *rh_outcome_text(int outcome)
{
	int is_known = outcome >= 0 && outcome < RH_OUTCOMES;

	return is_known ? outcomes[outcome] : "unknown";
}

const char *rh_reason_text(int reason)
{
	int is_known = reason >= 0 && reason < RH_REASONS;

	return is_known ? reasons[reason].text : "unknown";
}

int rh_verdict_error(const struct rh_verdict *verdict)
{
	RH_CHECK(verdict->reason < RH_REASONS);
	if (verdict->outcome == RH_OUTCOME_ALLOWED)
		return RH_OK;
	return reasons[verdict->reason].error;
}

static void add_resource(struct rh_text *out, int type, const struct rh_name *name)
{
	if (type < RH_TYPES) {
		rh_text_add(out, rh_type_text(type));
		rh_text_add(out, " ");
	}
	rh_text_add(out, name->text);
}

static void add_rule(struct rh_text *out, const struct rh_verdict *verdict,
                     const char *what)
{
	rh_text_add(out, what);
	rh_text_add(out, " ");
	rh_text_add(out, verdict->rule.text);
	rh_text_add(out, ", revision ");
	rh_text_add_u64(out, verdict->revision);
}

static void add_pair(struct rh_text *out, const struct rh_verdict *verdict,
                     const char *verb)
{
	add_resource(out, verdict->caller_type, &verdict->caller);
	rh_text_add(out, verb);
	add_resource(out, verdict->callee_type, &verdict->callee);
}

static void add_hierarchy(struct rh_text *out, const struct rh_verdict *verdict)
{
	if (verdict->callee.len == 0) {
		add_resource(out, verdict->caller_type, &verdict->caller);
		rh_text_add(out, " may register");
		return;
	}
	add_pair(out, verdict, verdict->outcome == RH_OUTCOME_ALLOWED ?
	         " may call " : " may not call ");
	add_rule(out, verdict, ": rule");
	if (verdict->outcome == RH_OUTCOME_REFUSED &&
	    verdict->exempt == RH_EXEMPT_EXPIRED)
		rh_text_add(out, "; the exception for them has expired");
}

static void add_exception(struct rh_text *out, const struct rh_verdict *verdict)
{
	add_pair(out, verdict, " may call ");
	add_rule(out, verdict, ": exception");
	rh_text_add(out, ": ");
	rh_text_add(out, verdict->text);
}

static void add_undeclared(struct rh_text *out, const struct rh_verdict *verdict)
{
	add_pair(out, verdict, " does not reference ");
	if (verdict->callee_type == RH_TYPES) {
		rh_text_add(out, ", which is not registered");
	} else if (verdict->hierarchy_allows) {
		add_rule(out, verdict, "; rule");
		rh_text_add(out, ", would allow it");
	} else if (verdict->exempt == RH_EXEMPT_ACTIVE) {
		add_rule(out, verdict, "; exception");
		rh_text_add(out, ", would allow it");
	} else {
		add_rule(out, verdict, "; rule");
		rh_text_add(out, ", would refuse it");
	}
}

static void add_sentence(struct rh_text *out, const struct rh_verdict *verdict)
{
	switch ((enum rh_reason)verdict->reason) {
	case RH_REASON_HIERARCHY:
		add_hierarchy(out, verdict);
		break;
	case RH_REASON_EXCEPTION:
		add_exception(out, verdict);
		break;
	case RH_REASON_PENDING:
		add_pair(out, verdict, " references ");
		rh_text_add(out, ", which is not registered yet");
		break;
	case RH_REASON_UNDECLARED:
		add_undeclared(out, verdict);
		break;
	case RH_REASON_UNKNOWN:
		rh_text_add(out, verdict->caller.text);
		rh_text_add(out, " is not registered");
		break;
	case RH_REASON_SELF:
		add_resource(out, verdict->caller_type, &verdict->caller);
		rh_text_add(out, " may not reference itself");
		break;
	case RH_REASON_DUPLICATE:
		add_pair(out, verdict, " references ");
		rh_text_add(out, " more than once");
		break;
	case RH_REASONS:
		break;
	}
}

int rh_verdict_text(const struct rh_verdict *verdict, char *text, size_t cap)
{
	struct rh_text out;

	RH_CHECK(verdict->reason < RH_REASONS);
	if (cap == 0)
		return RH_EMSGSIZE;
	rh_text_init(&out, text, cap);
	add_sentence(&out, verdict);
	return rh_text_end(&out);
}
