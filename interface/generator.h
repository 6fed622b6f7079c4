/* generator - what `rhodes interface` does, as functions.
 *
 * A side file names headers and a library; from them come the canonical text,
 * the shadow library that callers load and the skeleton that calls the real one.
 * A source (source.h) has canonical text, too, and a header and a side file from it.
 *
 * Artifacts of an interface, in one directory:
 *   interface.txt      canonical text, one carried function a line
 *   interface.json     name, soname, version, hash, functions with flags
 *   lib/<soname>       the shadow library, lib<name>.so linking to it, lib<name>.a
 *   skeleton.so        exports struct rh_skeleton rh_skeleton
 *   src/               the generated C, to read
 *
 * Ownership   Nothing is kept between calls.
 * Threads     Any, but not two builds into one directory.
 * Errors      Every function fills the diag.  RH_EINVAL the input is wrong,
 *             RH_ENOENT a file, library, package or program is missing, RH_EEXIST
 *             an output is in the way, RH_EIO writing or a tool failed. */
#ifndef RH_INTERFACE_GENERATOR_H
#define RH_INTERFACE_GENERATOR_H

#include "../model/error.h"

#include <stdbool.h>
#include <stdio.h>

struct rh_interface_new_options {
	const char *subject;   /* package ("libmagic-dev"), library ("libmagic",
	                          "libmagic.so.1", "./libfoo.so"), a header of
	                          one's own ("./foo.h": all that it declares,
	                          whoever serves it), or a source (source.h)   */
	const char *header;    /* NULL: the main one of the package            */
	const char *folder;    /* where the files are written; NULL: "."       */
	bool        overwrite;
	bool        is_quiet;  /* out gets the path of the side file alone     */
};

struct rh_interface_build_options {
	const char *side;      /* the side file                                */
	const char *folder;    /* NULL: <name of the interface> in "."         */
	const char *compiler;  /* NULL: $CC, cc, gcc or clang                  */
	bool        pedantic;  /* -Werror: for the generator's own tests       */
};

struct rh_interface_bind_options {
	const char *side;
	const char *language;  /* "cpp", "go" or "rust"                        */
	const char *file;      /* NULL: out                                    */
};

enum rh_interface_format { RH_INTERFACE_TEXT, RH_INTERFACE_JSON };

/* Proposes <name>.side and <name>.yaml for an installed library and says on out
 * what was chosen and what is left to decide. */
int rh_interface_new(const struct rh_interface_new_options *options, FILE *out,
                     struct rh_diag *diag);

/* The same for a file that source.h reads; rh_interface_new calls it.  Writes a
 * header, too.
 * RH_EINTERFACE  C cannot say what the file does: the first difference. */
int rh_interface_new_source(const struct rh_interface_new_options *options, FILE *out,
                            struct rh_diag *diag);

/* Reads everything, writes nothing; lists on out what is not carried, and why. */
int rh_interface_check(const char *side, FILE *out, struct rh_diag *diag);

/* Writes the artifacts.  The directory is replaced in one step or not at all.
 * RH_EEXIST  it exists and holds something else. */
int rh_interface_build(const struct rh_interface_build_options *options, FILE *out,
                       struct rh_diag *diag);

/* Prints the canonical text of a side file or a source, or the interface.json of a
 * side file. */
int rh_interface_show(const char *subject, enum rh_interface_format format, FILE *out,
                      struct rh_diag *diag);

/* Writes the interface as a language shows it (emit_bind.h): one source file. */
int rh_interface_bind(const struct rh_interface_bind_options *options, FILE *out,
                      struct rh_diag *diag);

/* The command line: argv[0] is "new", "check", "build", "show" or "bind".  Returns the
 * exit code: 0, 1 the work failed, 2 the command line is wrong. */
int rh_interface_main(int argc, char **argv);

#endif
