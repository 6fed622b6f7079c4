/* emit_rust_signature - what a function takes and gives back, in Rust: as the client has
 * it, and as the server's trait. */
#include "emit_rust.h"

bool rh_rust_is_option(const struct rh_bind_value *value)
{
	return value->role != RH_BIND_VALUE && value->role != RH_BIND_FD &&
	       rh_bind_is_nullable(value);
}

const char *rh_rust_object(const struct rh_binding *binding,
                           const struct rh_bind_value *value)
{
	return binding->objects[value->param->handle].upper;
}

const char *rh_rust_owned(const struct rh_bind_value *value)
{
	return value->param->flags & RH_PARAM_TRANSFER ? "true" : "false";
}

/* A client's caller gives what is cheap to give: any kind of text, if there must be one. */
static void put_text_parameter(FILE *out, const struct rh_bind_value *value, bool is_server)
{
	const char *text = value->param->kind == RH_KIND_PATH ? "std::path::Path" : "str";

	if (is_server)
		text = "CStr";
	if (rh_rust_is_option(value))
		fprintf(out, "Option<&%s>", text);
	else
		fputs(is_server ? "&CStr" : "&(impl AsText + ?Sized)", out);
}

static void put_object_parameter(FILE *out, const struct rh_binding *binding,
                                 const struct rh_bind_value *value, bool is_server)
{
	const char *object = rh_rust_object(binding, value);

	if (is_server)
		fprintf(out, "Arc<Self::%s>", object);
	else
		fprintf(out, "%s%s", value->param->flags & RH_PARAM_DESTROYS ? "" : "&", object);
}

static void put_parameter(FILE *out, const struct rh_binding *binding,
                          const struct rh_bind_value *value, bool is_server)
{
	bool is_null = rh_rust_is_option(value);

	if (value->role == RH_BIND_TEXT) {
		put_text_parameter(out, value, is_server);
		return;
	}
	fputs(is_null ? "Option<" : "", out);
	switch (value->role) {
	case RH_BIND_BYTES:
		fputs(value->param->direction == RH_IN ? "&[" : "&mut [", out);
		rh_rust_type(out, value->type);
		fputc(']', out);
		break;
	case RH_BIND_HANDLE:
		put_object_parameter(out, binding, value, is_server);
		break;
	case RH_BIND_FD:
		fputs(is_server ? "std::os::unix::io::BorrowedFd<'_>" : "&impl value::AsRawFd",
		      out);
		break;
	default:
		rh_rust_type(out, value->type);
	}
	fputs(is_null ? ">" : "", out);
}

void rh_rust_parameters(FILE *out, const struct rh_binding *binding,
                        const struct rh_bind_function *function, bool is_server)
{
	rh_rust_name(out, function->name);
	fputs("(&self", out);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fputs(", ", out);
		rh_rust_name(out, function->values[i].name);
		fputs(": ", out);
		put_parameter(out, binding, &function->values[i], is_server);
	}
	fputc(')', out);
}

/* A server gives a new object away, and shows again one that it has. */
static void put_object_result(FILE *out, const struct rh_binding *binding,
                              const struct rh_bind_value *value, bool is_server)
{
	const char *object = rh_rust_object(binding, value);

	if (!is_server)
		fprintf(out, "Option<%s>", object);
	else if (value->param->flags & RH_PARAM_CREATES)
		fprintf(out, "Option<Self::%s>", object);
	else
		fprintf(out, "Option<Arc<Self::%s>>", object);
}

static void put_result(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_value *value, bool is_server)
{
	bool is_maybe = value->role == RH_BIND_POINTED &&
	                value->param->direction == RH_INOUT && rh_rust_is_option(value);

	switch (value->role) {
	case RH_BIND_TEXT:
		fputs(is_server ? "Option<TextBuf>" : "Option<String>", out);
		break;
	case RH_BIND_BYTES:
		fputs("Option<Vec<", out);
		rh_rust_type(out, value->type);
		fputs(">>", out);
		break;
	case RH_BIND_HANDLE:
		put_object_result(out, binding, value, is_server);
		break;
	case RH_BIND_FD:
		fputs("Option<std::os::unix::io::OwnedFd>", out);
		break;
	default:
		fputs(is_maybe ? "Option<" : "", out);
		rh_rust_type(out, value->type);
		fputs(is_maybe ? ">" : "", out);
	}
}

void rh_rust_results(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function, bool is_server)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);

	fputs(count == 1 ? "" : "(", out);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		put_result(out, binding, outs[i], is_server);
	}
	fputs(count == 1 ? "" : ")", out);
}
