#include "generator.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
	"Usage: rhodes interface new SUBJECT [-H HEADER] [-d FOLDER] [--force] [--quiet]\n"
	"       rhodes interface check FILE.side...\n"
	"       rhodes interface build FILE.side [-d FOLDER] [--cc COMPILER]"
	" [--werror]\n"
	"       rhodes interface show FILE [-o text|json]\n"
	"       rhodes interface bind FILE.side --language cpp|go|node|rust [-o FILE]\n"
	"\n"
	"SUBJECT is a package (libmagic-dev), a library (libmagic, libmagic.so.1) or\n"
	"the path of a library of your own (./libfoo.so, with -H foo.h), of a header\n"
	"(./foo.h) or a source.\n"
	"FILE is a side file or a source; sources are binaries with BTF or DWARF\n"
	"(./libfoo.so), Python (.py), Rust (.rs), Go (.go), TypeScript (.ts) and Java\n"
	"(.class, .jar, FILE.jar!CLASS).\n";

struct options {
	const char *folder;
	const char *header;
	const char *compiler;
	const char *format;
	const char *language;
	bool        force;
	bool        quiet;
	bool        pedantic;
};

static const struct option long_options[] = {
	{ "directory", required_argument, NULL, 'd' },
	{ "header", required_argument, NULL, 'H' },
	{ "output", required_argument, NULL, 'o' },
	{ "cc", required_argument, NULL, 'c' },
	{ "language", required_argument, NULL, 'l' },
	{ "force", no_argument, NULL, 'f' },
	{ "werror", no_argument, NULL, 'w' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0 go on, else the exit code plus one. */
static int read_options(int argc, char **argv, struct options *options)
{
	int letter;

	optind = 1;
	while ((letter = getopt_long(argc, argv, "d:H:o:hq", long_options, NULL)) != -1) {
		switch (letter) {
		case 'd': options->folder = optarg; break;
		case 'H': options->header = optarg; break;
		case 'o': options->format = optarg; break;
		case 'c': options->compiler = optarg; break;
		case 'l': options->language = optarg; break;
		case 'f': options->force = true; break;
		case 'w': options->pedantic = true; break;
		case 'q': options->quiet = true; break;
		case 'h': fputs(usage, stdout); return 1;
		default:  fputs(usage, stderr); return 3;
		}
	}
	return 0;
}

static int run_new(const struct options *options, const char *subject,
                   struct rh_diag *diag)
{
	const struct rh_interface_new_options request = {
		.subject = subject, .header = options->header, .folder = options->folder,
		.overwrite = options->force, .is_quiet = options->quiet,
	};

	return rh_interface_new(&request, stdout, diag);
}

static int run_check(const struct options *options, const char *subject,
                     struct rh_diag *diag)
{
	(void)options;
	return rh_interface_check(subject, stdout, diag);
}

static int run_build(const struct options *options, const char *subject,
                     struct rh_diag *diag)
{
	const struct rh_interface_build_options request = {
		.side = subject, .folder = options->folder,
		.compiler = options->compiler, .pedantic = options->pedantic,
	};

	return rh_interface_build(&request, stderr, diag);
}

static int run_show(const struct options *options, const char *subject,
                    struct rh_diag *diag)
{
	bool is_json = options->format && strcmp(options->format, "json") == 0;

	return rh_interface_show(subject, is_json ? RH_INTERFACE_JSON : RH_INTERFACE_TEXT,
	                         stdout, diag);
}

static int run_bind(const struct options *options, const char *subject,
                    struct rh_diag *diag)
{
	const struct rh_interface_bind_options request = {
		.side = subject, .language = options->language, .file = options->format,
	};

	return rh_interface_bind(&request, stdout, diag);
}

struct verb {
	const char *name;
	const char *word;  /* what it is about, as the usage calls it */
	int (*run)(const struct options *, const char *, struct rh_diag *);
};

static const struct verb verbs[] = {
	{ "new", "SUBJECT", run_new }, { "check", "FILE.side", run_check },
	{ "build", "FILE.side", run_build }, { "show", "FILE", run_show },
	{ "bind", "FILE.side", run_bind },
};

static const struct verb *find_verb(int argc, char **argv)
{
	for (size_t i = 0; argc > 0 && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

static int refuse(const char *verb, const char *what, const char *word)
{
	fprintf(stderr, "rhodes interface%s%s: %s%s\n%s", verb ? " " : "",
	        verb ? verb : "", what, word, usage);
	return 2;
}

/* The words behind the options: which are needed, and how many there may be. */
static int check_words(const struct verb *verb, const struct options *options, int argc,
                       char **argv)
{
	const char *format = options->format;

	if (verb->run == run_bind && !options->language)
		return refuse(verb->name, "say --language cpp, go, node or rust", "");
	if (verb->run != run_bind && format && strcmp(format, "json") != 0 &&
	    strcmp(format, "text") != 0)
		return refuse(verb->name, "-o is text or json, not ", format);
	if (optind == argc)
		return refuse(verb->name, "a word is missing: ", verb->word);
	if (optind + 1 < argc && verb->run != run_check)
		return refuse(verb->name, "one at a time, there is a word too many: ",
		              argv[optind + 1]);
	return 0;
}

int rh_interface_main(int argc, char **argv)
{
	const struct verb *verb = find_verb(argc, argv);
	struct options     options = { 0 };

	if (!verb && argc > 0 &&
	    (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		fputs(usage, stdout);
		return 0;
	}
	if (!verb)
		return argc > 0 ? refuse(NULL, "new, check, build, show or bind, not ", argv[0])
		                : refuse(NULL, "which one? new, check, build, show or bind", "");
	int stop = read_options(argc, argv, &options);
	if (stop)
		return stop - 1;
	if (check_words(verb, &options, argc, argv))
		return 2;
	for (int i = optind; i < argc; i++) {
		struct rh_diag diag = { 0 };
		int            result = verb->run(&options, argv[i], &diag);

		if (result < 0) {
			fprintf(stderr, "rhodes interface %s: %s\n", verb->name,
			        diag.text[0] ? diag.text : rh_error_text(result));
			return 1;
		}
	}
	return 0;
}
