/* gcc - GCC plugin: calls of an interface's functions become calls of its stubs.
 *
 *   gcc -fplugin=.../gcc/rhodes.so -fplugin-arg-rhodes-interface=libfoo/interface.txt
 *
 * For what no symbol shows: functions whose body stands in a header, and callees inside of
 * the same link.  Every reference in a function's body and in the initialiser of a variable is
 * replaced, when that was parsed and before anything is inlined; the body of a governed
 * function itself is left alone, so the callee's own source may be compiled with it, too.
 * Functions are told apart by their assembler name: of C++ those that are extern "C", or
 * that the interface lists as they are mangled. */
#include "gcc-plugin.h"
#include "plugin-version.h"

#include "tree.h"
#include "tree-iterator.h"
#include "diagnostic.h"
#include "stringpool.h"
#include "attribs.h"

#include "../governed.h"

#ifndef RH_BUILT_FOR
#define RH_BUILT_FOR gcc_version.basever
#endif

int plugin_is_GPL_compatible __attribute__((visibility("default")));

static rh_governed              governed;
static std::map<std::string, tree> stubs;   /* by assembler name */
static tree                     roots;      /* so that they are not collected */

/* "" for a template, which is none yet. */
static std::string symbol_of(tree function)
{
	tree        identifier = DECL_ASSEMBLER_NAME(function);
	const char *name = identifier ? IDENTIFIER_POINTER(identifier) : "";

	return name[0] == '*' ? name + 1 : name;
}

static unsigned count_params(tree type)
{
	unsigned count = 0;

	for (tree at = TYPE_ARG_TYPES(type); at && TREE_VALUE(at) != void_type_node;
	     at = TREE_CHAIN(at))
		count++;
	return count;
}

/* What cannot cross is told where it is declared, and not redirected. */
static bool fits(tree function, const std::string &symbol, unsigned wanted)
{
	tree type = TREE_TYPE(function);

	if (stdarg_p(type))
		error_at(DECL_SOURCE_LOCATION(function), "rhodes: %qs takes any number of "
		         "arguments, which no call carries", symbol.c_str());
	else if (prototype_p(type) && count_params(type) != wanted)
		error_at(DECL_SOURCE_LOCATION(function), "rhodes: %qs has %u parameters, in the "
		         "interface it has %u", symbol.c_str(), count_params(type), wanted);
	else
		return true;
	return false;
}

static tree make_stub(tree function, const std::string &symbol)
{
	tree stub = build_fn_decl((RH_GOVERNED_STUB + symbol).c_str(), TREE_TYPE(function));

	SET_DECL_ASSEMBLER_NAME(stub, get_identifier((RH_GOVERNED_STUB + symbol).c_str()));
	roots = tree_cons(NULL_TREE, stub, roots);
	return stub;
}

/* NULL: the function is left as it is. */
static tree stub_of(tree function)
{
	if (TREE_CODE(function) != FUNCTION_DECL || !DECL_NAME(function))
		return NULL_TREE;
	std::string     symbol = symbol_of(function);
	const unsigned *params = governed.find(symbol);
	if (!params)
		return NULL_TREE;
	auto known = stubs.find(symbol);
	if (known != stubs.end())
		return known->second;
	tree stub = fits(function, symbol, *params) ? make_stub(function, symbol) : NULL_TREE;
	stubs[symbol] = stub;
	return stub;
}

static tree redirect(tree *at, int *, void *)
{
	if (TREE_CODE(*at) != ADDR_EXPR)
		return NULL_TREE;
	tree stub = stub_of(TREE_OPERAND(*at, 0));
	if (stub)
		TREE_OPERAND(*at, 0) = stub;
	return NULL_TREE;
}

static void finish_function(void *data, void *)
{
	tree function = (tree)data;

	if (TREE_CODE(function) != FUNCTION_DECL || !DECL_SAVED_TREE(function))
		return;
	std::string symbol = symbol_of(function);
	if (!symbol.empty() && !governed.find(symbol))
		walk_tree_without_duplicates(&DECL_SAVED_TREE(function), redirect, NULL);
}

/* int (*call)(int) = add; */
static void finish_variable(void *data, void *)
{
	tree decl = (tree)data;

	if (TREE_CODE(decl) == VAR_DECL && DECL_INITIAL(decl) &&
	    DECL_INITIAL(decl) != error_mark_node)
		walk_tree_without_duplicates(&DECL_INITIAL(decl), redirect, NULL);
}

static bool read_arguments(const plugin_name_args *info)
{
	for (int i = 0; i < info->argc; i++) {
		const char *value = info->argv[i].value;

		if (strcmp(info->argv[i].key, "interface") != 0 || !value) {
			error("rhodes: there is no argument %qs, but interface=FILE",
			      info->argv[i].key);
			return false;
		}
		if (!governed.read(value)) {
			error("rhodes: %qs names no function; it should be the %qs of a built "
			      "interface", value, "interface.txt");
			return false;
		}
	}
	if (governed.functions.empty())
		error("rhodes: %qs is missing", "-fplugin-arg-rhodes-interface=FILE");
	return !governed.functions.empty();
}

__attribute__((visibility("default")))
int plugin_init(plugin_name_args *info, plugin_gcc_version *version)
{
	static const ggc_root_tab kept[] = {
		{ &roots, 1, sizeof roots, gt_ggc_mx_tree_node, gt_pch_nx_tree_node },
		LAST_GGC_ROOT_TAB,
	};

	if (strcmp(version->basever, RH_BUILT_FOR) != 0) {
		error("rhodes: this plugin was built for GCC %s, and the compiler is %s",
		      RH_BUILT_FOR, version->basever);
		return 1;
	}
	if (!read_arguments(info))
		return 1;
	register_callback(info->base_name, PLUGIN_REGISTER_GGC_ROOTS, NULL, (void *)kept);
	register_callback(info->base_name, PLUGIN_FINISH_PARSE_FUNCTION, finish_function, NULL);
	register_callback(info->base_name, PLUGIN_FINISH_DECL, finish_variable, NULL);
	return 0;
}
