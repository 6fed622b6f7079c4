#include "doctor.h"

#include "../show.h"
#include "../text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void print(struct rh_doctor *doctor, const char *what, enum rh_finding finding,
                  const char *text)
{
	static const char *const   words[] = { "ok", "warn", "fail" };
	static const enum rh_style styles[] = { RH_GOOD, RH_BOLD, RH_BAD };
	struct rh_cli             *cli = doctor->cli;

	if (doctor->items) {
		json_array_append_new(doctor->items,
			json_pack("{s:s, s:s, s:s}", "check", what, "result",
			          words[finding], "text", text));
		return;
	}
	rh_text_print(cli->out, words[finding], styles[finding], cli->has_color);
	fprintf(cli->out, "%*s %-12s ", 4 - (int)strlen(words[finding]), "", what);
	rh_text_print(cli->out, text, RH_PLAIN, 0);
	fputc('\n', cli->out);
}

void rh_doctor_end_kind(struct rh_doctor *doctor)
{
	char text[64];

	if (doctor->left_out) {
		snprintf(text, sizeof text, "and %u more like these", doctor->left_out);
		print(doctor, doctor->last, RH_FINDING_WARN, text);
	}
	doctor->last[0] = '\0';
	doctor->same = doctor->left_out = 0;
}

void rh_doctor_add(struct rh_doctor *doctor, const char *what, enum rh_finding finding,
                   const char *format, ...)
{
	char    text[1000], clean[1000]; /* what rh_text_print takes */
	va_list args;

	if (strcmp(doctor->last, what) != 0)
		rh_doctor_end_kind(doctor);
	snprintf(doctor->last, sizeof doctor->last, "%s", what);
	doctor->failures += finding == RH_FINDING_FAIL;
	if (++doctor->same > RH_DOCTOR_SAME_MAX) {
		doctor->left_out++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	print(doctor, what, finding, rh_text_clean(text, clean, sizeof clean));
}

const json_t *rh_doctor_agent(const struct rh_doctor *doctor, const char *resource)
{
	json_t *agent;
	size_t  i;

	json_array_foreach(doctor->agents, i, agent) {
		const char *role = rh_show_text(agent, "role");
		const char *name = rh_show_text(agent, "resource");

		if (role && name && strcmp(role, "agent") == 0 &&
		    strcmp(name, resource) == 0)
			return agent;
	}
	return NULL;
}
