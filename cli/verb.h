/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verb of the command line (`isolab run`, `isolab images`): one file per verb (or per
 * small family), ending in const struct verb tables that cli/verbs.c lists. main parses
 * the options, prints --help, and prints the one error line; a verb only does its work.
 */
#ifndef IL_CLI_VERB_H
#define IL_CLI_VERB_H

#include "base/err.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses, also in the man page. `run` passes the workload's own status on. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,           /* any verb but run: the work failed */
	CLI_USAGE = 2,            /* any verb but run: wrong command line */
	CLI_RUN_FAILED = 125,     /* run: isolab itself failed, or wrong command line */
	CLI_NOT_EXECUTABLE = 126, /* run: the command cannot be invoked */
	CLI_NOT_FOUND = 127,      /* run: there is no such command in the image */
	CLI_SIGNAL_BASE = 128,    /* run: + n: the workload was ended by signal n */
};

/* What every verb gets. */
struct cli {
	const char *root;  /* absolute path of the state directory; may not exist yet */
	bool debug;        /* --debug */
	uint64_t entry_ns; /* il_now_ns() at the start of main */
};

enum verb_group {
	VERB_INSTANCES,
	VERB_IMAGES,
	VERB_MEASURE,
	VERB_OTHER,
	VERB_GROUP_MAX,
};

struct verb {
	const char *name;
	/*
	 * The name under `isolab image` / `isolab container` where docker's differs from @name
	 * ("ls" for images and ps, "rm" for rmi); NULL = @name itself, by its group.
	 */
	const char *nested_name;
	enum verb_group group;
	const char *usage;             /* what follows the name: "[OPTIONS] IMAGE [COMMAND...]" */
	const char *summary;           /* one line without a full stop */
	const char *notes;             /* more text at the end of --help; may be NULL */
	const struct opt_row *options; /* NULL = none */
	size_t args_size;              /* of the struct that the option rows count offsets in */
	int min_args;                  /* words beside the options; checked by main */
	int max_args;                  /* -1 = any number */
	bool options_first;            /* options end at the first other word, as in run */
	bool hidden;
	int usage_status;  /* exit status of a wrong command line; 0 = CLI_USAGE */
	int failed_status; /* exit status when run returns < 0; 0 = CLI_FAILED */

	/*
	 * Do it. @args is the filled struct of args_size bytes, @argv the @argc words beside
	 * the options, ended by NULL.
	 * Returns the exit status, or -errno with the sentence in @err, which main prints as
	 * "isolab NAME: SENTENCE". A verb that printed its own errors returns CLI_FAILED.
	 */
	int (*run)(const struct cli *cli, const void *args, int argc, char **argv,
		   struct il_err *err);
};

/* cli_verbs: every verb in the order of --help, ended by NULL. */
extern const struct verb *const cli_verbs[];

/*
 * cli_find_verb: the verb that @argv[0...] names, "run" or "container run" or "image ls".
 * @ret_words  how many words of @argv the name took, 1 or 2
 * Returns NULL when there is none.
 */
const struct verb *cli_find_verb(int argc, char **argv, int *ret_words);

/* cli_global_options: --root, --debug, ...: accepted before the verb and among its options. */
extern const struct opt_row cli_global_options[];

/* The struct that cli_global_options counts offsets in. */
struct cli_global_args {
	const char *root;
	bool debug;
	bool version;
};

/* cli_print: write @out to stdout and free it. Returns CLI_OK or -errno. */
int cli_print(struct il_buf *out, struct il_err *err) IL_MUST_CHECK;

/*
 * cli_print_error: "isolab VERB: TEXT HINT" on stderr, as one line whatever TEXT holds.
 * @verb, @hint  may be NULL
 */
void cli_print_error(const char *verb, const char *text, const char *hint);

/* cli_verb_help / cli_help: append the --help text of a verb / of isolab. */
void cli_verb_help(struct il_buf *out, const struct verb *verb);
void cli_help(struct il_buf *out);

/* The verbs. */
extern const struct verb verb_run;
extern const struct verb verb_ps;
extern const struct verb verb_rm;
extern const struct verb verb_kill;
extern const struct verb verb_inspect;
extern const struct verb verb_doctor;
extern const struct verb verb_bench;
extern const struct verb verb_help;
extern const struct verb verb_version;
extern const struct verb verb_report;
extern const struct verb verb_images;
extern const struct verb verb_import;
extern const struct verb verb_rmi;

#endif
