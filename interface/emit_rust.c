/* emit_rust - a binding for Rust: the client and its objects. */
#include "emit_rust.h"

#include "emit.h"

#include <inttypes.h>
#include <string.h>

static void put_head(FILE *out, const struct rh_binding *binding,
                     const struct rh_bind_function *function)
{
	fprintf(out, "    /// `%s`\n    pub fn ", function->text);
	rh_rust_parameters(out, binding, function, false);
	fputs(" -> Result<", out);
	rh_rust_results(out, binding, function, false);
	fputs("> {\n", out);
}

/* The other slices that tell their length by the same parameter must have it, too. */
static void put_length_checks(FILE *out, const struct rh_bind_function *function,
                              uint32_t index)
{
	const struct rh_bind_value *length = &function->values[index];

	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (value->role != RH_BIND_BYTES || i == length->bytes ||
		    value->param->len_param != index)
			continue;
		fprintf(out, "        value::same_length(rh_n%u, rh_n%u)?;\n", i,
		        length->bytes);
	}
}

static void put_length(FILE *out, const struct rh_bind_function *function, uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];
	bool is_pointer = (value->param->flags & RH_PARAM_POINTER) != 0;

	if (value->bytes != RH_USED_RETURN)
		put_length_checks(out, function, index);
	fprintf(out, "        let %srh_%c%u: ", is_pointer ? "mut " : "",
	        is_pointer ? 'v' : 'a', index);
	rh_rust_type(out, value->type);
	if (value->bytes == RH_USED_RETURN)
		fputs(" = 0;\n", out);
	else
		fprintf(out, " = value::length(rh_n%u)?;\n", value->bytes);
	if (is_pointer) {
		fprintf(out, "        let rh_a%u: *mut ", index);
		rh_rust_type(out, value->type);
		fprintf(out, " = &mut rh_v%u;\n", index);
	}
}

static void put_slice(FILE *out, const struct rh_bind_value *value, uint32_t index)
{
	bool is_mut = value->param->direction != RH_IN;

	fprintf(out, "        let rh_n%u = ", index);
	rh_rust_name(out, value->name);
	fprintf(out, rh_rust_is_option(value) ? ".as_ref().map_or(0, |s| s.len());\n" :
	        ".len();\n");
	fprintf(out, "        let rh_a%u = ", index);
	rh_rust_name(out, value->name);
	if (rh_rust_is_option(value))
		fprintf(out, ".map_or(std::ptr::null%s(), |s| s.as_%sptr());\n",
		        is_mut ? "_mut" : "", is_mut ? "mut_" : "");
	else
		fprintf(out, ".as_%sptr();\n", is_mut ? "mut_" : "");
}

/* A value behind a pointer. */
static void put_pointed(FILE *out, const struct rh_bind_value *value, uint32_t index)
{
	bool is_null = rh_rust_is_option(value) && value->param->direction != RH_OUT;

	fprintf(out, "        let mut rh_v%u: %s", index, is_null ? "Option<" : "");
	rh_rust_type(out, value->type);
	fputs(is_null ? "> = " : " = ", out);
	if (value->param->direction == RH_OUT)
		fputs("unsafe { value::zeroed() }", out);
	else
		rh_rust_name(out, value->name);
	fprintf(out, ";\n        let rh_a%u: *mut ", index);
	rh_rust_type(out, value->type);
	if (is_null)
		fprintf(out, " = rh_v%u.as_mut().map_or(std::ptr::null_mut(), |v| v);\n",
		        index);
	else
		fprintf(out, " = &mut rh_v%u;\n", index);
}

static void put_text(FILE *out, const struct rh_bind_function *function, uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];

	if (value->param->direction == RH_OUT) {
		fprintf(out, "        let mut rh_v%u: *mut c_char = std::ptr::null_mut();\n"
		        "        let rh_a%u: *mut *mut c_char = &mut rh_v%u;\n", index, index,
		        index);
		return;
	}
	fprintf(out, "        let rh_v%u = Text::%s(", index,
	        rh_rust_is_option(value) ? "nullable" : "new");
	rh_rust_name(out, value->name);
	fprintf(out, ", \"%s: %s\")?;\n        let rh_a%u = rh_v%u.as_ptr();\n",
	        function->row->name, value->param->name, index, index);
}

static void put_handle(FILE *out, const struct rh_bind_value *value, uint32_t index)
{
	bool is_taken = (value->param->flags & RH_PARAM_DESTROYS) != 0;

	if (value->param->direction == RH_OUT) {
		fprintf(out, "        let mut rh_v%u: *mut c_void = std::ptr::null_mut();\n"
		        "        let rh_a%u: *mut *mut c_void = &mut rh_v%u;\n", index, index,
		        index);
		return;
	}
	fprintf(out, "        let rh_a%u: *mut c_void = ", index);
	rh_rust_name(out, value->name);
	if (rh_rust_is_option(value))
		fprintf(out, "%s.map_or(std::ptr::null_mut(), |h| h.rh_raw);\n",
		        is_taken ? ".as_ref()" : "");
	else
		fputs(".rh_raw;\n", out);
}

static void put_fd(FILE *out, const struct rh_bind_value *value, uint32_t index)
{
	if (value->param->direction == RH_OUT) {
		fprintf(out, "        let mut rh_v%u: c_int = -1;\n"
		        "        let rh_a%u: *mut c_int = &mut rh_v%u;\n", index, index, index);
		return;
	}
	fprintf(out, "        let rh_a%u: c_int = ", index);
	rh_rust_name(out, value->name);
	fputs(".as_raw_fd();\n", out);
}

static void put_argument(FILE *out, const struct rh_bind_function *function,
                         uint32_t index)
{
	const struct rh_bind_value *value = &function->values[index];

	switch (value->role) {
	case RH_BIND_LENGTH:  put_length(out, function, index); break;
	case RH_BIND_BYTES:   put_slice(out, value, index); break;
	case RH_BIND_POINTED: put_pointed(out, value, index); break;
	case RH_BIND_TEXT:    put_text(out, function, index); break;
	case RH_BIND_HANDLE:  put_handle(out, value, index); break;
	case RH_BIND_FD:      put_fd(out, value, index); break;
	default:
		fprintf(out, "        let rh_a%u: ", index);
		rh_rust_type(out, value->type);
		fputs(" = ", out);
		rh_rust_name(out, value->name);
		fputs(";\n", out);
	}
}

/* Slices first: lengths look at them. */
static void put_arguments(FILE *out, const struct rh_bind_function *function)
{
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (function->values[i].role == RH_BIND_BYTES)
			put_argument(out, function, i);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		if (function->values[i].role != RH_BIND_BYTES)
			put_argument(out, function, i);
}

static void put_result(FILE *out, const struct rh_bind_value *ret)
{
	switch (ret->role) {
	case RH_BIND_VOID:
		return;
	case RH_BIND_TEXT:
		fputs("        let mut rh_r: *mut c_char = std::ptr::null_mut();\n", out);
		return;
	case RH_BIND_HANDLE:
		fputs("        let mut rh_r: *mut c_void = std::ptr::null_mut();\n", out);
		return;
	case RH_BIND_FD:
		fputs("        let mut rh_r: c_int = -1;\n", out);
		return;
	case RH_BIND_BYTES:
		fputs("        let mut rh_r: *mut ", out);
		rh_rust_type(out, ret->type);
		fputs(" = std::ptr::null_mut();\n", out);
		return;
	default:
		fputs("        let mut rh_r: ", out);
		rh_rust_type(out, ret->type);
		fputs(" = unsafe { value::zeroed() };\n", out);
	}
}

/* What came into a variable, as the binding shows it. */
static void put_taken(FILE *out, const struct rh_binding *binding,
                      const struct rh_bind_value *value, const char *name)
{
	switch (value->role) {
	case RH_BIND_TEXT:
		fprintf(out, "value::take_text(%s, %s)?", name, rh_rust_owned(value));
		break;
	case RH_BIND_HANDLE:
		fprintf(out, "%s::rh_new(self, %s, %s)", rh_rust_object(binding, value), name,
		        value->param->flags & RH_PARAM_CREATES ? "true" : "false");
		break;
	case RH_BIND_FD:
		fprintf(out, "value::take_fd(%s)", name);
		break;
	case RH_BIND_BYTES:
		fprintf(out, "value::take_bytes(%s, rh_v%u as usize, %s)", name,
		        value->param->used_param, rh_rust_owned(value));
		break;
	default:
		fputs(name, out);
	}
}

static void put_answer(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function)
{
	const struct rh_bind_value *outs[RH_BIND_OUTS_MAX];
	uint32_t                    count = rh_bind_outs(function, outs);
	char                        name[RH_BIND_LOCAL_MAX];

	fputs(count == 1 ? "            Ok(" : "            Ok((", out);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		put_taken(out, binding, outs[i], rh_bind_local(function, outs[i], name));
	}
	fputs(count == 1 ? ")\n" : "))\n", out);
}

/* Objects that the function has ended do not end again when they are dropped. */
static void put_taken_objects(FILE *out, const struct rh_bind_function *function)
{
	for (uint32_t i = 0; i < function->row->param_count; i++) {
		const struct rh_bind_value *value = &function->values[i];

		if (value->role != RH_BIND_HANDLE || !(value->param->flags & RH_PARAM_DESTROYS))
			continue;
		fputs(rh_rust_is_option(value) ? "            if let Some(mut rh_h) = " :
		      "            let mut rh_h = ", out);
		rh_rust_name(out, value->name);
		fputs(rh_rust_is_option(value) ? " {\n                rh_h.rh_owned = false;\n"
		      "            }\n" : ";\n            rh_h.rh_owned = false;\n", out);
	}
}

static void put_method(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_function *function)
{
	put_head(out, binding, function);
	put_arguments(out, function);
	put_result(out, &function->ret);
	fprintf(out, "        unsafe {\n            self.library.call(%u, &[",
	        function->number);
	for (uint32_t i = 0; i < function->row->param_count; i++)
		fprintf(out, "%svalue::arg(&rh_a%u)", i ? ", " : "", i);
	fputs(function->ret.role == RH_BIND_VOID ? "], std::ptr::null_mut())?;\n" :
	      "], &mut rh_r as *mut _ as *mut c_void)?;\n", out);
	put_taken_objects(out, function);
	put_answer(out, binding, function);
	fputs("        }\n    }\n\n", out);
}

static void put_drop(FILE *out, const struct rh_bind_object *object)
{
	const struct rh_bind_function *destroy = object->destroy;

	fprintf(out, "impl Drop for %s {\n    fn drop(&mut self) {\n", object->upper);
	fprintf(out, "        if self.rh_owned {\n"
	        "            let mut rh_r = [0u64; 2];\n"
	        "            unsafe {\n"
	        "                let _ = self.rh_client.library.call(%u, "
	        "&[value::arg(&self.rh_raw)], rh_r.as_mut_ptr() as *mut c_void);\n"
	        "            }\n        }\n    }\n}\n\n", destroy->number);
}

static void put_object(FILE *out, const struct rh_binding *binding,
                       const struct rh_bind_object *object)
{
	const struct rh_bind_value *ret = object->destroy ? &object->destroy->ret : NULL;
	bool is_ended = ret && !object->destroy->reason &&
	                (ret->role == RH_BIND_VOID ||
	                 (ret->role == RH_BIND_VALUE && ret->type->size <= 16));

	fprintf(out, "/// An object of the callee%s.\n#[derive(Debug)]\npub struct %s {\n"
	        "    rh_raw: *mut c_void,\n    rh_owned: bool,\n    rh_client: %s,\n}\n\n"
	        "unsafe impl Send for %s {}\n\n", is_ended ? "; ends when it is dropped" : "", object->upper, binding->upper, object->upper);
	fprintf(out, "impl %s {\n"
	        "    fn rh_new(client: &%s, raw: *mut c_void, owned: bool) -> Option<Self> {\n"
	        "        if raw.is_null() {\n            return None;\n        }\n"
	        "        Some(%s { rh_raw: raw, rh_owned: owned, rh_client: client.clone() })\n"
	        "    }\n}\n\n", object->upper, binding->upper, object->upper);
	if (is_ended)
		put_drop(out, object);
}

static void put_functions(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "static FUNCTIONS: [(&[u8], &[u8]); %u] = [\n", binding->count);
	for (uint32_t i = 0; i < binding->count; i++) {
		fprintf(out, "    (b\"%s\\0\", b\"%s\\0\"),\n", binding->functions[i].name,
		        binding->functions[i].text);
	}
	fputs("];\n\n", out);
}

static void put_client(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "/// A callee that offers %s.  Clones are the same callee.\n"
	        "#[derive(Clone, Debug)]\npub struct %s {\n    library: Arc<Library>,\n}\n\n",
	        binding->plan->interface.name, binding->upper);
	fprintf(out, "impl %s {\n    /// The callee of that name among the references of this"
	        " resource.\n    pub fn open(name: &str) -> Result<Self> {\n"
	        "        Ok(%s { library: Arc::new(Library::open(name, &FUNCTIONS)?) })\n"
	        "    }\n\n", binding->upper, binding->upper);
	for (uint32_t i = 0; i < binding->count; i++) {
		const struct rh_bind_function *function = &binding->functions[i];

		if (function->reason)
			fprintf(out, "    // %s: %s\n\n", function->name, function->reason);
		else
			put_method(out, binding, function);
	}
	fputs("}\n\n", out);
}

void rh_emit_rust(FILE *out, const struct rh_binding *binding)
{
	fprintf(out, "// The interface %s: generated by rhodes-interface, do not edit.\n"
	        "// Interface hash %016" PRIx64 ".\n"
	        "#![allow(dead_code, unused_mut, unused_variables, unused_imports, unused_unsafe)]\n"
	        "#![allow(non_snake_case, non_camel_case_types, clippy::all)]\n"
	        "use rhodes::{value, AsText, Library, Objects, Raised, Result, Text, TextBuf};\n"
	        "use std::ffi::CStr;\n"
	        "use std::os::raw::{c_char, c_int, c_void};\n"
	        "use std::sync::Arc;\n\n", binding->plan->interface.name,
	        binding->plan->interface.hash);
	rh_rust_types(out, binding);
	put_functions(out, binding);
	put_client(out, binding);
	for (uint32_t i = 0; i < binding->object_count; i++)
		if (binding->objects[i].is_used)
			put_object(out, binding, &binding->objects[i]);
	rh_rust_server(out, binding);
}
