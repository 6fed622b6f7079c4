#include "watching_own.h"

#include "show.h"
#include "watch_line.h"

#include <errno.h>
#include <stdio_ext.h>
#include <string.h>

void rh_watching_print(struct rh_watching *watching, json_t *line)
{
	struct rh_cli *cli = watching->cli;

	if (watching->order->is_json) {
		json_dumpf(line, cli->out, JSON_COMPACT);
		fputc('\n', cli->out);
	} else {
		rh_watch_line_print(cli->out, line, cli->has_color);
	}
	fflush(cli->out);
}

void rh_watching_print_own(struct rh_watching *watching, json_t *line)
{
	if (watching->order->is_json)
		rh_watching_print(watching, line);
	json_decref(line);
}

void rh_watching_print_standing(struct rh_watching *watching, json_t *object)
{
	struct rh_cli *cli = watching->cli;

	if (watching->order->is_json)
		rh_watching_print_own(watching, json_pack("{s:s, s:I, s:O}",
			"type", "standing", "revision",
			(json_int_t)rh_show_number(object, "revision"), "object", object));
	else
		rh_watch_line_standing(cli->out, object, cli->has_color);
	fflush(cli->out);
}

void rh_watching_note(const struct rh_watching *watching, const char *text)
{
	fprintf(watching->cli->err, "rhodes watch: %s\n", text);
}

enum rh_next rh_watching_check_out(const struct rh_watching *watching)
{
	FILE *out = watching->cli->out;

	if (!ferror(out))
		return RH_NEXT_GO_ON;
	if (errno != EPIPE && errno != EINTR) {
		rh_cli_fail(watching->cli, RH_EXIT_REFUSED, "cannot write: %s",
		            strerror(errno));
		return RH_NEXT_FAIL;
	}
	__fpurge(out);
	clearerr(out);
	return RH_NEXT_STOP;
}
