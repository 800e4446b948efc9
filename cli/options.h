/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line options as tables: one row per option. Parsing, --help and the option list
 * of the man page all come from the rows; a unit test walks them.
 *
 *	struct ps_args {
 *		bool all;
 *		const char *format;
 *	};
 *	static const struct opt_row ps_options[] = {
 *	    {.name = "all", .short_name = 'a', OPT_FLAG_AT(struct ps_args, all), .help = "..."},
 *	    {.name = "format", OPT_STRING_AT(struct ps_args, format), .unit = "json", .help = ...},
 *	    OPT_END,
 *	};
 */
#ifndef IL_CLI_OPTIONS_H
#define IL_CLI_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum opt_type {
	OPT_FLAG,     /* bool; also --name=true|false */
	OPT_STRING,   /* const char *; points into argv */
	OPT_OPTIONAL, /* struct opt_optional; --name or --name=VALUE */
	OPT_CHOICE,   /* const char *; one of the words of `choices` */
	OPT_LIST,     /* struct opt_list; may be repeated */
	OPT_U64,      /* uint64_t in [min, max] */
	OPT_SIZE,     /* uint64_t bytes in [min, max]: 64m */
	OPT_DURATION, /* uint64_t ns in [min, max]: 250ms */
	OPT_MILLI,    /* uint64_t thousandths in [min, max]: 1.5 is 1500 */
	OPT_REFUSED,  /* known from docker but not supported: `help` tells why; never listed */
	OPT_TYPE_MAX,
};

/* Values of a repeated option, in order; the strings point into argv. */
struct opt_list {
	const char **items; /* owned; freed by opt_done */
	size_t n;
};

struct opt_optional {
	bool given;
	const char *value; /* NULL without "=VALUE" */
};

struct opt_row {
	const char *name; /* long name without dashes; NULL ends the table */
	char short_name;  /* 0 = none */
	enum opt_type type;
	size_t offset;       /* of the target in the verb's argument struct: OPT_..._AT */
	const char *def;     /* default as it would be typed; NULL = zero, false, NULL */
	uint64_t min;        /* numbers only */
	uint64_t max;        /* numbers only; 0 = no limit */
	const char *choices; /* OPT_CHOICE: "one|two|three" */
	const char *unit;    /* what follows the name in --help: "SIZE", "KEY=VALUE" */
	const char *help;
	bool hidden; /* accepted, not listed */
};

/* The offset of a member whose type is checked against the row's at compile time. */
#define OPT_OFFSET(T, member, type)                                                                \
	(offsetof(T, member) +                                                                     \
	 0 * sizeof(struct {                                                                       \
		 _Static_assert(__builtin_types_compatible_p(__typeof__(((T *)0)->member), type),  \
				"this option type needs a " #type);                                \
		 int il_dummy;                                                                     \
	 }))

#define OPT_FLAG_AT(T, m)     .type = OPT_FLAG, .offset = OPT_OFFSET(T, m, bool)
#define OPT_STRING_AT(T, m)   .type = OPT_STRING, .offset = OPT_OFFSET(T, m, const char *)
#define OPT_OPTIONAL_AT(T, m) .type = OPT_OPTIONAL, .offset = OPT_OFFSET(T, m, struct opt_optional)
#define OPT_CHOICE_AT(T, m)   .type = OPT_CHOICE, .offset = OPT_OFFSET(T, m, const char *)
#define OPT_LIST_AT(T, m)     .type = OPT_LIST, .offset = OPT_OFFSET(T, m, struct opt_list)
#define OPT_U64_AT(T, m)      .type = OPT_U64, .offset = OPT_OFFSET(T, m, uint64_t)
#define OPT_SIZE_AT(T, m)     .type = OPT_SIZE, .offset = OPT_OFFSET(T, m, uint64_t)
#define OPT_DURATION_AT(T, m) .type = OPT_DURATION, .offset = OPT_OFFSET(T, m, uint64_t)
#define OPT_MILLI_AT(T, m)    .type = OPT_MILLI, .offset = OPT_OFFSET(T, m, uint64_t)
#define OPT_END                                                                                    \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* A table and the struct its offsets count in. */
struct opt_space {
	const struct opt_row *rows; /* NULL = no options */
	void *args;
};

/* How a command line is read. */
struct opt_syntax {
	const struct opt_space *spaces; /* a name is looked up in them in order */
	size_t n_spaces;
	bool options_first; /* stop at the first word that is not an option (`run IMAGE CMD
			       -x`); otherwise options may stand between the other words */
};

/*
 * opt_defaults: put each row's default into @space->args, which is zeroed memory.
 * Returns 0, or -EINVAL for a default that does not parse (a bug; the unit test finds it).
 */
int opt_defaults(const struct opt_space *space, struct il_err *err) IL_MUST_CHECK;

/*
 * opt_parse: read the options of @argv[1...].
 * @ret_first  index in @argv of the first other word; they are moved to the end, in their
 *             order
 *
 * "--" ends the options. Returns 0; 1 when -h or --help was given; -EINVAL or -ERANGE with
 * a sentence that names the option; -ENOMEM. Values borrow argv; after any result, call
 * opt_done for the lists.
 */
int opt_parse(const struct opt_syntax *syntax, int argc, char **argv, int *ret_first,
	      struct il_err *err) IL_MUST_CHECK;

/* opt_done: free what opt_parse allocated in @space->args. */
void opt_done(const struct opt_space *space);

/* opt_help: append the two-column option list of --help. */
void opt_help(struct il_buf *out, const struct opt_row *rows);

/* opt_roff: append the option list as man(7) paragraphs; opt_roff_text: escaped text. */
void opt_roff(struct il_buf *out, const struct opt_row *rows);
void opt_roff_text(struct il_buf *out, const char *text);

#endif
