/* emit_rust_server - a server in Rust: a trait, and what runs its functions. */
#include "emit_rust.h"

static void put_declaration(FILE *out, const struct rh_binding *binding,
                            const struct rh_bind_function *function)
{
	fprintf(out, "    /// `%s`\n    fn ", function->text);
	rh_rust_parameters(out, binding, function, true);
	fputs(" -> std::result::Result<", out);
	rh_rust_results(out, binding, function, true);
	fputs(", Raised>;\n", out);
}

static void put_iterator(FILE *out, const struct rh_binding *binding,
                         const struct rh_bind_function *function)
{
	fputs("Box<dyn Iterator<Item = ", out);
	rh_rust_results(out, binding, function, true);
	fputs("> + Send>", out);
}

static void put_told(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	fprintf(out, "    /// `%s`: what comes out of the iterator is sent.\n    fn ",
	        function->text);
	rh_rust_name(out, function->name);
	fputs("(&self) -> ", out);
	put_iterator(out, binding, function);
	fputs(";\n", out);
}

static void put_trait(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "/// What a server of %s implements.  Any number of calls run at once.\n"
	        "pub trait %sServer: Send + Sync {\n", binding->plan->interface.name,
	        binding->upper);
	for (uint32_t i = 0; i < binding->object_count; i++)
		if (binding->objects[i].is_used)
			fprintf(out, "    type %s: Send + Sync%s;\n", binding->objects[i].upper,
			        binding->objects[i].is_mirrored ? " + rhodes::Mirrored" : "");
	for (uint32_t i = 0; i < binding->count; i++)
		if (rh_bind_is_served(&binding->functions[i]))
			put_declaration(out, binding, &binding->functions[i]);
		else if (rh_bind_is_event(&binding->functions[i]))
			put_told(out, binding, &binding->functions[i]);
	fputs("}\n\n", out);
}

/* How many elements the bytes of a parameter have. */
static void put_count(FILE *out, const struct rh_bind_function *function,
                      const struct rh_bind_value *value)
{
	const struct rh_bind_value *length = &function->values[value->param->len_param];

	fputs("value::", out);
	fputs(length->param->flags & RH_PARAM_POINTER ? "behind::<" : "at::<", out);
	rh_rust_type(out, length->type);
	fprintf(out, ">(args, %u)%s as usize", value->param->len_param,
	        length->param->flags & RH_PARAM_POINTER ? ".unwrap_or(0)" : "");
}

static void put_object(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_value *value, uint32_t index)
{
	fprintf(out, "self.%s.%s%s(value::at(args, %u))?", rh_rust_object(binding, value),
	        value->param->flags & RH_PARAM_DESTROYS ? "take" : "get",
	        rh_rust_is_option(value) ? "_nullable" : "", index);
}

static void put_argument(FILE *out, const struct rh_binding *binding,
                         const struct rh_bind_function *function, uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];
	bool is_present = !rh_rust_is_option(value) && value->role != RH_BIND_VALUE &&
	                  value->role != RH_BIND_HANDLE && value->role != RH_BIND_FD;

	fprintf(out, "                let rh_%u = %s", index,
	        is_present ? "value::present(" : "");
	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "value::text(args, %u)", index);
		break;
	case RH_BIND_BYTES:
		fputs(value->param->direction == RH_IN ? "value::slice::<" :
		      "value::slice_mut::<", out);
		rh_rust_type(out, value->type);
		fprintf(out, ">(args, %u, ", index);
		put_count(out, function, value);
		fputc(')', out);
		break;
	case RH_BIND_HANDLE:
		put_object(out, binding, value, index);
		break;
	case RH_BIND_FD:
		fprintf(out, "value::fd(args, %u)?", index);
		break;
	default:
		fputs(value->role == RH_BIND_VALUE ? "value::at::<" : "value::behind::<", out);
		rh_rust_type(out, value->type);
		fprintf(out, ">(args, %u)", index);
	}
	fputs(is_present ? ")?;\n" : ";\n", out);
}

/* What a function returned, as C has it; rh_name is the variable. */
static void put_left(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_value *value, const char *name)
{
	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "value::leave_text(%s, %s)?", name, rh_rust_owned(value));
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "self.%s.%s(%s)", rh_rust_object(binding, value),
		        value->param->flags & RH_PARAM_CREATES ? "put" : "find", name);
		break;
	case RH_BIND_FD:
		fprintf(out, "value::leave_fd(%s)", name);
		break;
	default:
		fputs(name, out);
	}
}

/* What callers see of an object, before it is given away. */
static void put_mirror(FILE *out, const struct rh_bind_value *value, const char *place,
                       const char *name)
{
	bool is_some = value->param->direction != RH_IN || rh_rust_is_option(value);
	bool is_made = (value->param->flags & RH_PARAM_CREATES) != 0;

	if (!rh_bind_is_mirrored(value))
		return;
	fprintf(out, "                value::mirror::<%u>(%s, ", value->param->mirror_len, place);
	if (is_some)
		fprintf(out, "%s.as_ref().map(|o| %s as &dyn rhodes::Mirrored))?;\n", name,
		        is_made ? "o" : "&**o");
	else
		fprintf(out, "Some(&*%s))?;\n", name);
}

static void put_mirrors(FILE *out, const struct rh_bind_function *function)
{
	char place[16], name[16];

	if (function->ret.role == RH_BIND_HANDLE)
		put_mirror(out, &function->ret, "value::RESULT", "rh_r");
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		snprintf(place, sizeof place, "%u", i);
		snprintf(name, sizeof name, "rh_%s%u",
		         rh_bind_comes_out(&function->values[i]) ? "o" : "", i);
		put_mirror(out, &function->values[i], place, name);
	}
}

static void put_bytes_result(FILE *out, const struct rh_bind_function *function)
{
	const struct rh_bind_value *ret = &function->ret;
	const struct rh_bind_value *length = &function->values[ret->param->used_param];

	fprintf(out, "                let (rh_bytes, rh_count) = "
	        "value::leave_bytes(rh_r, %s)?;\n"
	        "                value::put(args, %u, rh_count as ", rh_rust_owned(ret),
	        ret->param->used_param);
	rh_rust_type(out, length->type);
	fputs(");\n                value::give(ret, rh_bytes);\n", out);
}

static void put_out(FILE *out, const struct rh_binding *binding,
                    const struct rh_bind_value *value, uint32_t index)
{
	char name[16];
	bool is_maybe = value->role == RH_BIND_POINTED &&
	                value->param->direction == RH_INOUT && rh_rust_is_option(value);

	snprintf(name, sizeof name, "rh_o%u", index);
	if (is_maybe) {
		fprintf(out, "                if let Some(rh_some) = %s {\n"
		        "                    value::put(args, %u, rh_some);\n"
		        "                }\n", name, index);
		return;
	}
	fprintf(out, "                value::put(args, %u, ", index);
	put_left(out, binding, value, name);
	fputs(");\n", out);
}

/* let (rh_r, rh_o1) = */
static void put_pattern(FILE *out, const struct rh_bind_function *function)
{
	uint32_t    count = rh_bind_out_count(function);
	const char *between = "";

	fputs(count == 1 ? "                let " : "                let (", out);
	if (function->ret.role != RH_BIND_VOID) {
		fputs("rh_r", out);
		between = ", ";
	}
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_comes_out(&function->values[i]))
			continue;
		fprintf(out, "%srh_o%u", between, i);
		between = ", ";
	}
	fputs(count == 1 ? " = " : ") = ", out);
}

/* Stores what the variables of put_pattern hold. */
static void put_results(FILE *out, const struct rh_binding *binding,
                        const struct rh_bind_function *function)
{
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (rh_bind_comes_out(&function->values[i]))
			put_out(out, binding, &function->values[i], i);
	if (function->ret.role == RH_BIND_BYTES) {
		put_bytes_result(out, function);
	} else if (function->ret.role != RH_BIND_VOID) {
		fputs("                value::give(ret, ", out);
		put_left(out, binding, &function->ret, "rh_r");
		fputs(");\n", out);
	}
}

static void put_arm(FILE *out, const struct rh_binding *binding,
                    const struct rh_bind_function *function)
{
	const char *between = "";

	fprintf(out, "            %u => {\n", function->number);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (rh_bind_goes_in(&function->values[i]))
			put_argument(out, binding, function, i);
	put_pattern(out, function);
	fputs("self.server.", out);
	rh_rust_name(out, function->name);
	fputc('(', out);
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		if (!rh_bind_goes_in(&function->values[i]))
			continue;
		fprintf(out, "%srh_%u%s", between, i,
		        rh_bind_is_mirrored(&function->values[i]) ? ".clone()" : "");
		between = ", ";
	}
	fputs(")?;\n", out);
	put_mirrors(out, function);
	put_results(out, binding, function);
	fputs("                Ok(())\n            }\n", out);
}

static void put_dispatcher(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "struct Dispatcher<'a, S: %sServer> {\n    server: &'a S,\n",
	        binding->upper);
	for (uint32_t i = 0; i < binding->object_count; i++)
		if (binding->objects[i].is_used)
			fprintf(out, "    %s: Objects<S::%s>,\n", binding->objects[i].upper,
			        binding->objects[i].upper);
	fprintf(out, "}\n\nimpl<S: %sServer> rhodes::Serves for Dispatcher<'_, S> {\n"
	        "    fn functions(&self) -> &'static [(&'static [u8], &'static [u8])] {\n"
	        "        &FUNCTIONS\n    }\n\n"
	        "    unsafe fn invoke(&self, number: usize, args: *const *mut c_void, "
	        "ret: *mut c_void) -> std::result::Result<(), Raised> {\n"
	        "        match number {\n", binding->upper);
	for (uint32_t i = 0; i < binding->count; i++)
		if (rh_bind_is_served(&binding->functions[i]))
			put_arm(out, binding, &binding->functions[i]);
	fputs("            _ => Err(Raised::new(\"rhodes::Function\", "
	      "\"this server has no such function\")),\n        }\n    }\n}\n\n", out);
}

static void put_next(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	fprintf(out, "            %u => {\n", function->number);
	put_pattern(out, function);
	fputs("match rhodes::next(&self.", out);
	rh_rust_name(out, function->name);
	fputs(") {\n                    Some(event) => event,\n"
	      "                    None => return Ok(false),\n                };\n", out);
	put_results(out, binding, function);
	fputs("                Ok(true)\n            }\n", out);
}

/* The iterators of a server, which its threads of events own. */
static void put_events(FILE *out, const struct rh_binding *binding)
{
	fputs("struct Events {\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (!rh_bind_is_event(&binding->functions[i]))
			continue;
		fputs("    ", out);
		rh_rust_name(out, binding->functions[i].name);
		fputs(": std::sync::Mutex<", out);
		put_iterator(out, binding, &binding->functions[i]);
		fputs(">,\n", out);
	}
	fputs("}\n\nimpl rhodes::Tells for Events {\n"
	      "    unsafe fn next(&self, number: usize, args: *const *mut c_void, "
	      "ret: *mut c_void) -> std::result::Result<bool, Raised> {\n"
	      "        match number {\n", out);
	for (uint32_t i = 0; i < binding->count; i++)
		if (rh_bind_is_event(&binding->functions[i]))
			put_next(out, binding, &binding->functions[i]);
	fputs("            _ => Ok(false),\n        }\n    }\n}\n\n", out);
}

static void put_tells(FILE *out, const struct rh_binding *binding)
{
	fputs("Some(Box::new(Events {\n", out);
	for (uint32_t i = 0; i < binding->count; i++) {
		if (!rh_bind_is_event(&binding->functions[i]))
			continue;
		fputs("        ", out);
		rh_rust_name(out, binding->functions[i].name);
		fputs(": std::sync::Mutex::new(server.", out);
		rh_rust_name(out, binding->functions[i].name);
		fputs("()),\n", out);
	}
	fputs("    }))", out);
}

void rh_rust_server(FILE *out, const struct rh_binding *binding)
{
	put_trait(out, binding);
	put_dispatcher(out, binding);
	if (rh_bind_has_events(binding))
		put_events(out, binding);
	fprintf(out, "/// Serves until SIGTERM, on at most so many threads.\n"
	        "pub fn serve<S: %sServer>(server: &S, threads: u32) -> Result<()> {\n"
	        "    rhodes::serve(&Dispatcher {\n        server,\n", binding->upper);
	for (uint32_t i = 0; i < binding->object_count; i++)
		if (binding->objects[i].is_used)
			fprintf(out, "        %s: Objects::default(),\n", binding->objects[i].upper);
	fputs("    }, ", out);
	if (rh_bind_has_events(binding))
		put_tells(out, binding);
	else
		fputs("None", out);
	fputs(", threads)\n}\n", out);
}
