#include "../cli.h"
#include "../client.h"
#include "../output.h"
#include "../show.h"
#include "../verb.h"

#include <string.h>

int rh_verb_can_i(struct rh_cli *cli)
{
	enum rh_format format;
	char           path[400] = "/apis/v1/can-i?caller=";
	json_t        *answer = NULL;
	bool           is_allowed;
	int            result;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	rh_http_escape(path, sizeof path, cli->args.words[0]);
	snprintf(path + strlen(path), sizeof path - strlen(path), "&callee=");
	rh_http_escape(path, sizeof path, cli->args.words[1]);
	result = rh_client_get(cli, path, &answer);
	if (result != RH_EXIT_OK)
		return result;
	is_allowed = json_is_true(json_object_get(answer, "allowed"));
	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML) {
		rh_output_value(cli, format, answer);
	} else {
		rh_text_print(cli->out, is_allowed ? "yes" : "no",
		              is_allowed ? RH_GOOD : RH_BAD, cli->has_color);
		fputs(" - ", cli->out);
		rh_text_print(cli->out, rh_show_text(answer, "text") ?
		              rh_show_text(answer, "text") : "?", RH_PLAIN, 0);
		fputc('\n', cli->out);
	}
	json_decref(answer);
	return is_allowed ? RH_EXIT_OK : RH_EXIT_REFUSED;
}
