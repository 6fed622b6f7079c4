#include "cli.h"

#include "verb.h"

#include <stdarg.h>

int rh_cli_fail(const struct rh_cli *cli, int exit, const char *format, ...)
{
	va_list args;

	fprintf(cli->err, "rhodes %s: ", cli->verb->name);
	va_start(args, format);
	vfprintf(cli->err, format, args);
	va_end(args);
	fputc('\n', cli->err);
	return exit;
}

int rh_cli_usage(const struct rh_cli *cli, const char *format, ...)
{
	va_list args;

	fprintf(cli->err, "rhodes %s: ", cli->verb->name);
	va_start(args, format);
	vfprintf(cli->err, format, args);
	va_end(args);
	fputc('\n', cli->err);
	rh_verb_print_usage(cli->verb, cli->err);
	return RH_EXIT_USAGE;
}

int rh_cli_exit_of(int err)
{
	switch (err) {
	case RH_OK:
		return RH_EXIT_OK;
	case RH_EDOWN:
	case RH_EDETACHED:
	case RH_EOUTDATED:
		return RH_EXIT_DOWN;
	case RH_ENOENT:
	case RH_EFUNC:
		return RH_EXIT_NOT_FOUND;
	case RH_EEXIST:
	case RH_EBUSY:
	case RH_ESTALE:
	case RH_EINTERFACE:
	case RH_EPENDING:
		return RH_EXIT_CONFLICT;
	default:
		return RH_EXIT_REFUSED;
	}
}
