#include "output.h"

#include "../base/yaml.h"

#include <stdlib.h>
#include <string.h>

int rh_output_format(const struct rh_cli *cli, enum rh_format *ret_format)
{
	static const struct {
		const char    *name;
		enum rh_format format;
	} formats[] = {
		{ "json", RH_FORMAT_JSON }, { "yaml", RH_FORMAT_YAML },
		{ "name", RH_FORMAT_NAME }, { "wide", RH_FORMAT_WIDE },
	};
	const struct rh_option *option = rh_args_option(&cli->args, "output");
	const char *wanted = rh_args_value(&cli->args, "output");
	size_t      count = sizeof formats / sizeof formats[0];

	if (!wanted) {
		*ret_format = RH_FORMAT_TABLE;
		return RH_OK;
	}
	if (option->complete == RH_COMPLETE_JSON)
		count = 2;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(formats[i].name, wanted) == 0) {
			*ret_format = formats[i].format;
			return RH_OK;
		}
	}
	rh_cli_usage(cli, "-o takes %s, not \"%.40s\"", option->help, wanted);
	return RH_EINVAL;
}

static int print_json(const struct rh_cli *cli, const json_t *value)
{
	json_t *list = NULL;
	int     r;

	if (json_is_array(value))
		list = json_pack("{s:O}", "items", value);
	r = json_dumpf(list ? list : value, cli->out,
	               JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
	fputc('\n', cli->out);
	json_decref(list);
	return r == 0 ? RH_EXIT_OK : RH_EXIT_REFUSED;
}

static int print_document(const struct rh_cli *cli, const json_t *value)
{
	char *text = rh_yaml_text(value);

	if (!text)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	fputs(text, cli->out);
	free(text);
	return RH_EXIT_OK;
}

int rh_output_value(const struct rh_cli *cli, enum rh_format format,
                    const json_t *value)
{
	size_t  i;
	json_t *item;
	int     result = RH_EXIT_OK;

	if (format == RH_FORMAT_JSON)
		return print_json(cli, value);
	if (!json_is_array(value))
		return print_document(cli, value);
	json_array_foreach(value, i, item) {
		if (i)
			fputs("---\n", cli->out);
		if (result == RH_EXIT_OK)
			result = print_document(cli, item);
	}
	return result;
}
