/* emit_go - a binding for Go: the client and its objects. */
#include "emit_go.h"

#include "emit.h"

#include <inttypes.h>
#include <string.h>

/* Where everything stands in a call's frame. */
struct layout {
	uint32_t ret;                   /* 0: none */
	uint32_t slots[RH_PARAMS_MAX];  /* the arguments */
	uint32_t values[RH_PARAMS_MAX]; /* what they point to */
	uint32_t end;
};

static uint32_t take_place(struct layout *layout, uint32_t size)
{
	uint32_t at = layout->end;

	layout->end += (size + 15) & ~15u;
	return at;
}

/* C's parameter is a pointer to what the frame holds. */
static bool is_behind(const struct rh_bind_value *value)
{
	if (value->role == RH_BIND_POINTED)
		return true;
	if (value->role == RH_BIND_LENGTH)
		return (value->param->flags & RH_PARAM_POINTER) != 0;
	return value->role != RH_BIND_BYTES && value->role != RH_BIND_VALUE &&
	       value->param->direction == RH_OUT;
}

static uint32_t size_of(const struct rh_bind_value *value)
{
	bool is_plain = value->type && value->role != RH_BIND_BYTES;

	return is_plain && value->type->size > 8 ? value->type->size : 8;
}

static void make_layout(const struct rh_bind_function *function, struct layout *layout)
{
	*layout = (struct layout){ .end = RH_GO_HEAD };
	if (function->ret.role != RH_BIND_VOID)
		layout->ret = take_place(layout, size_of(&function->ret));
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		layout->slots[i] = take_place(layout, is_behind(value) ? 8 : size_of(value));
		layout->values[i] = layout->slots[i];
		if (is_behind(value))
			layout->values[i] = take_place(layout, size_of(value));
	}
}

static const char *object_name(const struct rh_binding *binding,
                               const struct rh_bind_value *value)
{
	return binding->objects[value->param->handle].upper;
}

static void put_head(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	const char *between = "";

	fprintf(out, "// %s is %s.\nfunc (c *Client) %s(", function->upper, function->text,
	        function->upper);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fputs(between, out);
		rh_go_name(out, function->values[i].name);
		fputc(' ', out);
		rh_go_value_type(out, binding, &function->values[i], false, false);
		between = ", ";
	}
	fputs(") ", out);
	rh_go_results(out, binding, function, false);
	fputs(" {\n", out);
}

/* *(*T)(the place of argument i) = */
static void put_store(FILE *out, const struct rh_bind_value *value, uint32_t i,
                      const struct layout *layout)
{
	fputs("*(*", out);
	rh_go_type(out, value->type);
	if (is_behind(value))
		fprintf(out, ")(f.Behind(%u, %u, %u)) = ", i, layout->slots[i],
		        layout->values[i]);
	else
		fprintf(out, ")(f.Arg(%u, %u)) = ", i, layout->slots[i]);
}

static void put_length(FILE *out, const struct rh_bind_function *function, uint32_t i,
                       const struct layout *layout)
{
	const struct rh_bind_value *value = &function->values[i];

	if (value->bytes == RH_USED_RETURN) {
		fputc('\t', out);
		put_store(out, value, i, layout);
		fputs("0\n", out);
		return;
	}
	for (uint32_t j = 0; j < function->row->param_count; j++) {
		const struct rh_bind_value *other = &function->values[j];

		if (other->role != RH_BIND_BYTES || j == value->bytes ||
		    other->param->len_param != i)
			continue;
		fputs("\tif err = rhodes.SameLength(len(", out);
		rh_go_name(out, other->name);
		fputs("), len(", out);
		rh_go_name(out, function->values[value->bytes].name);
		fputs(")); err != nil {\n\t\treturn\n\t}\n", out);
	}
	fprintf(out, "\tvar rh%u ", i);
	rh_go_type(out, value->type);
	fprintf(out, "\n\tif rh%u, err = rhodes.Length[", i);
	rh_go_type(out, value->type);
	fputs("](len(", out);
	rh_go_name(out, function->values[value->bytes].name);
	fputs(")); err != nil {\n\t\treturn\n\t}\n\t", out);
	put_store(out, value, i, layout);
	fprintf(out, "rh%u\n", i);
}

static void put_pointed(FILE *out, const struct rh_bind_value *value, uint32_t i,
                        const struct layout *layout)
{
	if (value->param->direction == RH_OUT) {
		fprintf(out, "\tvar rh%u ", i);
		rh_go_type(out, value->type);
		fputs("\n\t", out);
		put_store(out, value, i, layout);
		fprintf(out, "rh%u\n", i);
		return;
	}
	if (rh_go_is_pointer(value)) {
		fputs("\tif ", out);
		rh_go_name(out, value->name);
		fprintf(out, " == nil {\n\t\t*(*uintptr)(f.Arg(%u, %u)) = 0\n\t} else {\n\t", i,
		        layout->slots[i]);
	}
	fputc('\t', out);
	put_store(out, value, i, layout);
	fputs(rh_go_is_pointer(value) ? "*" : "", out);
	rh_go_name(out, value->name);
	fputs(rh_go_is_pointer(value) ? "\n\t}\n" : "\n", out);
}

static void put_handle(FILE *out, const struct rh_bind_value *value, uint32_t i,
                       const struct layout *layout)
{
	const char *verb = value->param->flags & RH_PARAM_DESTROYS ? "Take" : "Raw";

	fprintf(out, "\tvar rh%u uintptr\n\tif ", i);
	rh_go_name(out, value->name);
	if (rh_bind_is_nullable(value))
		fputs(" != nil {\n", out);
	else
		fputs(" == nil {\n\t\terr = rhodes.ErrClosed\n\t\treturn\n\t} else {\n", out);
	fprintf(out, "\t\tif rh%u, err = ", i);
	rh_go_name(out, value->name);
	fprintf(out, ".%s(); err != nil {\n\t\t\treturn\n\t\t}\n\t}\n", verb);
	fprintf(out, "\t*(*uintptr)(f.Arg(%u, %u)) = rh%u\n", i, layout->slots[i], i);
}

static void put_text(FILE *out, const struct rh_bind_function *function, uint32_t i,
                     const struct layout *layout)
{
	const struct rh_bind_value *value = &function->values[i];

	fprintf(out, "\tif err = f.%s(\"%s: %s\", %u, %u, ", rh_go_is_pointer(value) ?
	        "NullableText" : "Text", function->row->name, value->param->name, i,
	        layout->slots[i]);
	rh_go_name(out, value->name);
	fputs("); err != nil {\n\t\treturn\n\t}\n", out);
}

static void put_argument(FILE *out, const struct rh_bind_function *function, uint32_t i,
                         const struct layout *layout)
{
	const struct rh_bind_value *value = &function->values[i];

	if (value->role == RH_BIND_LENGTH)
		put_length(out, function, i, layout);
	else if (value->role == RH_BIND_POINTED)
		put_pointed(out, value, i, layout);
	else if (value->role == RH_BIND_BYTES)
		fprintf(out, "\tf.Arg(%u, %u)\n", i, layout->slots[i]);
	else if (value->role == RH_BIND_VALUE) {
		fputc('\t', out);
		put_store(out, value, i, layout);
		rh_go_name(out, value->name);
		fputc('\n', out);
	} else if (value->param->direction == RH_OUT)
		fprintf(out, "\t*(*%s)(f.Behind(%u, %u, %u)) = %s\n",
		        value->role == RH_BIND_FD ? "int32" : "uintptr", i, layout->slots[i],
		        layout->values[i], value->role == RH_BIND_FD ? "-1" : "0");
	else if (value->role == RH_BIND_TEXT)
		put_text(out, function, i, layout);
	else if (value->role == RH_BIND_HANDLE)
		put_handle(out, value, i, layout);
	else {
		fprintf(out, "\t*(*int32)(f.Arg(%u, %u)) = int32(", i, layout->slots[i]);
		rh_go_name(out, value->name);
		fputs(")\n", out);
	}
}

static void put_call(FILE *out, const struct rh_bind_function *function)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < function->row->param_count; i++)
		bytes += function->values[i].role == RH_BIND_BYTES;
	fprintf(out, "\tif err = c.library.%s(f, %u, &plans[%u]", bytes ? "CallBytes" : "Call",
	        function->number, function->number);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (function->values[i].role != RH_BIND_BYTES)
			continue;
		fputs(", rhodes.Place(f, ", out);
		rh_go_name(out, function->values[i].name);
		fprintf(out, ", %s)", rh_bind_is_nullable(&function->values[i]) ? "true" : "false");
	}
	for (uint32_t i = bytes; bytes && i < RH_GO_BYTES; i++)
		fputs(", nil", out);
	fputs("); err != nil {\n\t\treturn\n\t}\n", out);
}

static void put_taken(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, uint32_t at)
{
	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "f.TakeText(%u)\n", at);
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "c.new%s(*(*uintptr)(f.At(%u)), %s)\n", object_name(binding, value),
		        at, value->param->flags & RH_PARAM_CREATES ? "true" : "false");
		break;
	case RH_BIND_FD:
		fprintf(out, "int(*(*int32)(f.At(%u)))\n", at);
		break;
	default:
		fputs("*(*", out);
		rh_go_type(out, value->type);
		fprintf(out, ")(f.At(%u))\n", at);
	}
}

static void put_out(FILE *out, const struct rh_binding *binding,
                    const struct rh_bind_value *value, uint32_t at)
{
	bool is_maybe = rh_go_is_pointer(value) && value->role == RH_BIND_POINTED &&
	                value->param->direction == RH_INOUT;

	if (!is_maybe) {
		fputc('\t', out);
		rh_go_name(out, value->name);
		fputs("Out = ", out);
		put_taken(out, binding, value, at);
		return;
	}
	fputs("\tif ", out);
	rh_go_name(out, value->name);
	fputs(" != nil {\n\t\trhOut := ", out);
	put_taken(out, binding, value, at);
	fputs("\t\t", out);
	rh_go_name(out, value->name);
	fputs("Out = &rhOut\n\t}\n", out);
}

static void put_outs(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function,
                     const struct layout *layout)
{
	const struct rh_bind_value *ret = &function->ret;

	if (ret->role == RH_BIND_BYTES) {
		const struct rh_bind_value *length = &function->values[ret->param->used_param];

		fputs("\tresult = rhodes.TakeBytes[", out);
		rh_go_type(out, ret->type);
		fprintf(out, "](f, %u, uint64(*(*", layout->ret);
		rh_go_type(out, length->type);
		fprintf(out, ")(f.At(%u))))\n", layout->values[ret->param->used_param]);
	} else if (ret->role != RH_BIND_VOID) {
		fputs("\tresult = ", out);
		put_taken(out, binding, ret, layout->ret);
	}
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (rh_bind_comes_out(&function->values[i]))
			put_out(out, binding, &function->values[i], layout->values[i]);
}

static void put_method(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function)
{
	struct layout layout;

	make_layout(function, &layout);
	put_head(out, binding, function);
	fprintf(out, "\tf := rhodes.NewFrame(%u)\n\tdefer f.Free()\n", layout.end);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		put_argument(out, function, i, &layout);
	put_call(out, function);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (function->values[i].role != RH_BIND_HANDLE ||
		    function->values[i].param->direction == RH_OUT)
			continue;
		fputs("\truntime.KeepAlive(", out);
		rh_go_name(out, function->values[i].name);
		fputs(")\n", out);
	}
	put_outs(out, binding, function, &layout);
	fputs("\treturn\n}\n\n", out);
}

static void put_plan_out(FILE *out, const struct rh_bind_function *function,
                         const struct rh_bind_value *value, uint32_t at,
                         const struct layout *layout)
{
	const struct rh_bind_value *length;

	fprintf(out, "{At: %u, IsOwned: %u", at,
	        (value->param->flags & RH_PARAM_TRANSFER) != 0);
	if (value->role == RH_BIND_BYTES) {
		length = &function->values[value->param->used_param];
		fprintf(out, ", Length: %u, LengthSize: %u, Element: %u",
		        layout->values[value->param->used_param], length->type->size,
		        value->type->size);
	}
	fputs("}, ", out);
}

static void put_plan(FILE *out, const struct rh_bind_function *function)
{
	struct layout layout;
	uint32_t      outs = 0;

	make_layout(function, &layout);
	fprintf(out, "\t{Ret: %u, Outs: [%u]rhodes.Out{", layout.ret, RH_GO_OUTS);
	if (function->ret.role == RH_BIND_TEXT || function->ret.role == RH_BIND_BYTES) {
		put_plan_out(out, function, &function->ret, layout.ret, &layout);
		outs++;
	}
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (function->values[i].role != RH_BIND_TEXT ||
		    function->values[i].param->direction != RH_OUT)
			continue;
		put_plan_out(out, function, &function->values[i], layout.values[i], &layout);
		outs++;
	}
	fprintf(out, "}, OutCount: %u, Bytes: [%u]uint32{", outs, RH_GO_BYTES);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (function->values[i].role == RH_BIND_BYTES)
			fprintf(out, "%u, ", layout.slots[i]);
	fputs("}},\n", out);
}

static void put_plans(FILE *out, const struct rh_binding *binding)
{
	fputs("var functions = []rhodes.Function{\n", out);
	for (uint32_t i = 0; i < binding->count; i++)
		fprintf(out, "\t{Name: \"%s\", Text: \"%s\"},\n", binding->functions[i].name,
		        binding->functions[i].text);
	fputs("}\n\nvar plans = [...]rhodes.Plan{\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (rh_go_reason(&binding->functions[i]))
			fputs("\t{},\n", out);
		else
			put_plan(out, &binding->functions[i]);
	}
	fputs("}\n\n", out);
}

static void put_object(FILE *out, const struct rh_bind_object *object)
{
	const struct rh_bind_value *ret = object->destroy ? &object->destroy->ret : NULL;
	bool is_ended = ret && !rh_go_reason(object->destroy) &&
	                (ret->role == RH_BIND_VOID || ret->role == RH_BIND_VALUE);
	struct layout layout;

	fprintf(out, "// %s is an object of the callee%s.\ntype %s struct {\n"
	        "\trhodes.Object\n}\n\n", object->upper, is_ended ?
	        "; it ends with Close, or when nobody holds it" : "", object->upper);
	fprintf(out, "func (c *Client) new%s(raw uintptr, isOwned bool) *%s {\n"
	        "\tif raw == 0 {\n\t\treturn nil\n\t}\n\tobject := &%s{}\n", object->upper,
	        object->upper, object->upper);
	if (is_ended) {
		make_layout(object->destroy, &layout);
		fprintf(out, "\tif isOwned {\n\t\tobject.Init(raw, func(raw uintptr) error {\n"
		        "\t\t\tf := rhodes.NewFrame(%u)\n\t\t\tdefer f.Free()\n"
		        "\t\t\t*(*uintptr)(f.Arg(0, %u)) = raw\n"
		        "\t\t\treturn c.library.Call(f, %u, &plans[%u])\n\t\t})\n"
		        "\t\treturn object\n\t}\n", layout.end, layout.slots[0],
		        object->destroy->number, object->destroy->number);
	}
	fputs("\tobject.Init(raw, nil)\n\treturn object\n}\n\n", out);
}

void rh_emit_go(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "// Code generated by rhodes-interface; DO NOT EDIT.\n"
	        "// Interface %s, hash %016" PRIx64 ".\n\n"
	        "// Package %s calls and serves %s.\npackage %s\n\n"
	        "import (\n\t\"rhodes\"\n\t\"runtime\"\n\t\"unsafe\"\n)\n\n"
	        "var _ = unsafe.Pointer(nil)\nvar _ = runtime.KeepAlive\n\n",
	        binding->plan->interface.name, binding->plan->interface.hash, binding->name,
	        binding->plan->interface.name, binding->name);
	fprintf(out, "// Interface is what a callee offers.\nconst Interface = \"%s\"\n\n",
	        binding->plan->interface.name);
	rh_go_types(out, binding);
	put_plans(out, binding);
	fputs("// Client is a callee.\ntype Client struct{ library *rhodes.Library }\n\n"
	      "// Open finds the callee of that name among the references of this resource.\n"
	      "func Open(name string) (*Client, error) {\n"
	      "\tlibrary, err := rhodes.Open(name, functions)\n\tif err != nil {\n"
	      "\t\treturn nil, err\n\t}\n\treturn &Client{library}, nil\n}\n\n"
	      "// WithErrno is the same callee for one goroutine: each call stores the errno that its\n"
	      "// function left, 0 for none, as C has it.\n"
	      "func (c *Client) WithErrno(errno *rhodes.Errno) *Client {\n"
	      "\treturn &Client{c.library.WithErrno(errno)}\n}\n\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		const char *reason = rh_go_reason(&binding->functions[i]);

		if (reason)
			fprintf(out, "// %s: %s\n\n", binding->functions[i].name, reason);
		else
			put_method(out, binding, &binding->functions[i]);
	}
	for (uint32_t i = 0; i < binding->object_count; i++)
		if (binding->objects[i].is_used)
			put_object(out, &binding->objects[i]);
	rh_go_server(out, binding);
}
