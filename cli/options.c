// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

/* Where one parse stands. */
struct parse {
	const struct opt_space *spaces;
	size_t n_spaces;
	int argc;
	char **argv;
	int next; /* index of the next unread word */
	struct il_err *err;
};

static bool takes_value(enum opt_type type)
{
	return type != OPT_FLAG && type != OPT_OPTIONAL && type != OPT_REFUSED;
}

static int set_flag(bool *target, const char *value, struct il_err *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*target = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*target = false;
	else
		return il_refuse(err, EINVAL, "'%s' is neither true nor false", value);
	return 0;
}

static int set_choice(const struct opt_row *row, const char **target, const char *value,
		      struct il_err *err)
{
	size_t len = strlen(value);

	for (const char *word = row->choices; *word;) {
		size_t n = strcspn(word, "|");

		if (n == len && memcmp(word, value, n) == 0) {
			*target = value;
			return 0;
		}
		word += n + (word[n] == '|');
	}
	return il_refuse(err, EINVAL, "'%s' is not one of %s", value, row->choices);
}

static int add_item(struct opt_list *list, const char *value, struct il_err *err)
{
	const char **items = realloc(list->items, (list->n + 1) * sizeof(*items));

	if (!items)
		return il_fail(err, ENOMEM, "read the command line");
	items[list->n++] = value;
	list->items = items;
	return 0;
}

static int set_milli(const struct opt_row *row, uint64_t *target, const char *value,
		     struct il_err *err)
{
	double v = 0;
	double max = row->max ? (double)row->max / 1000 : 1e12;
	int r = il_parse_double(value, (double)row->min / 1000, max, &v, err);

	if (r == 0)
		*target = (uint64_t)(v * 1000 + 0.5);
	return r;
}

/* @value is NULL only for the types that may go without one. */
static int set_target(const struct opt_row *row, void *args, const char *value, struct il_err *err)
{
	void *at = (char *)args + row->offset;
	uint64_t max = row->max ? row->max : UINT64_MAX;

	switch (row->type) {
	case OPT_FLAG:
		return set_flag(at, value, err);
	case OPT_STRING:
		*(const char **)at = value;
		return 0;
	case OPT_OPTIONAL:
		*(struct opt_optional *)at = (struct opt_optional){.given = true, .value = value};
		return 0;
	case OPT_CHOICE:
		return set_choice(row, at, value, err);
	case OPT_LIST:
		return add_item(at, value, err);
	case OPT_U64:
		return il_parse_u64(value, row->min, max, at, err);
	case OPT_SIZE:
		return il_parse_size(value, row->min, max, at, err);
	case OPT_DURATION:
		return il_parse_duration(value, row->min, max, at, err);
	case OPT_MILLI:
		return set_milli(row, at, value, err);
	case OPT_REFUSED:
	case OPT_TYPE_MAX:
		break;
	}
	return il_refuse(err, EINVAL, "not supported yet: %s", row->help);
}

static const struct opt_row *find_row(const struct parse *p, const char *name, size_t len,
				      char short_name, void **ret_args)
{
	for (size_t s = 0; s < p->n_spaces; s++) {
		for (const struct opt_row *row = p->spaces[s].rows; row && row->name; row++) {
			bool hit = short_name ? row->short_name == short_name
					      : strlen(row->name) == len &&
						    memcmp(row->name, name, len) == 0;

			if (hit) {
				*ret_args = p->spaces[s].args;
				return row;
			}
		}
	}
	return NULL;
}

/* The value of an option: what was attached to it, or the next word. */
static int take_value(struct parse *p, const struct opt_row *row, const char **value)
{
	if (*value || !takes_value(row->type))
		return 0;
	if (p->next >= p->argc)
		return il_refuse(p->err, EINVAL, "a value is missing%s%s", row->unit ? ": " : "",
				 row->unit ? row->unit : "");
	*value = p->argv[p->next++];
	return 0;
}

/* "--name", "--name=value", "--name value". 1 = help. */
static int parse_long(struct parse *p, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : NULL;
	void *args = NULL;
	const struct opt_row *row = find_row(p, word, len, 0, &args);

	if (!row && strcmp(word, "help") == 0)
		return 1;
	if (!row)
		return il_refuse(p->err, EINVAL, "unknown option '--%.*s'", (int)len, word);
	int r = take_value(p, row, &value);
	if (r == 0)
		r = set_target(row, args, value, p->err);
	return r < 0 ? il_wrap(p->err, r, "option '--%s'", row->name) : 0;
}

/* "-it", "-m64m", "-m 64m", "-e=A=B". 1 = help. */
static int parse_short(struct parse *p, const char *word)
{
	for (; *word; word++) {
		const char *value = NULL;
		void *args = NULL;
		const struct opt_row *row = find_row(p, NULL, 0, *word, &args);

		if (!row && *word == 'h')
			return 1;
		if (!row)
			return il_refuse(p->err, EINVAL, "unknown option '-%c'", *word);
		bool last = takes_value(row->type) || word[1] == '=';
		if (last && word[1])
			value = word + 1 + (word[1] == '=');
		int r = take_value(p, row, &value);
		if (r == 0)
			r = set_target(row, args, value, p->err);
		if (r < 0)
			return il_wrap(p->err, r, "option '-%c, --%s'", *word, row->name);
		if (last)
			return 0;
	}
	return 0;
}

/* Moves argv[at] to the end, keeping the order of everything else. */
static void move_to_end(int argc, char **argv, int at)
{
	char *word = argv[at];

	memmove(&argv[at], &argv[at + 1], (size_t)(argc - at - 1) * sizeof(*argv));
	argv[argc - 1] = word;
}

/* One option at p->next, with its value. 0, 1 = help, or -errno. */
static int parse_option(struct parse *p)
{
	const char *word = p->argv[p->next++];

	return word[1] == '-' ? parse_long(p, word + 2) : parse_short(p, word + 1);
}

int opt_parse(const struct opt_syntax *syntax, int argc, char **argv, int *ret_first,
	      struct il_err *err)
{
	struct parse p = {syntax->spaces, syntax->n_spaces, argc, argv, 1, err};
	bool ended = false;

	/* p.argc is where the words begin that were moved to the end, in their order. */
	while (p.next < p.argc) {
		const char *word = argv[p.next];

		if (!ended && strcmp(word, "--") == 0) {
			ended = true;
			p.next++;
			continue;
		}
		if (ended || word[0] != '-' || word[1] == '\0') {
			if (syntax->options_first)
				break;
			move_to_end(argc, argv, p.next);
			p.argc--;
			continue;
		}
		int r = parse_option(&p);
		if (r != 0)
			return r;
	}
	*ret_first = p.next;
	return 0;
}

int opt_defaults(const struct opt_space *space, struct il_err *err)
{
	for (const struct opt_row *row = space->rows; row && row->name; row++) {
		if (!row->def)
			continue;
		int r = set_target(row, space->args, row->def, err);
		if (r < 0)
			return il_wrap(err, r, "default of option '--%s'", row->name);
	}
	return 0;
}

void opt_done(const struct opt_space *space)
{
	for (const struct opt_row *row = space->rows; row && row->name; row++) {
		if (row->type != OPT_LIST)
			continue;
		struct opt_list *list = (void *)((char *)space->args + row->offset);

		free(list->items);
		*list = (struct opt_list){0};
	}
}
