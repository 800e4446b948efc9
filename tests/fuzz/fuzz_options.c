// SPDX-License-Identifier: Apache-2.0
/* The command line, and the other texts `isolab run` parses. Words are split at newlines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run.h"
#include "cli/verb.h"
#include "sandbox/user.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_verb(const struct verb *verb, int argc, char **argv)
{
	void *args = calloc(1, verb->args_size + 1);
	struct cli_global_args global = {0};
	struct opt_space spaces[] = {{verb->options, args}, {cli_global_options, &global}};
	struct il_err err = {0};
	int first = 0;

	if (!args)
		return;
	if (opt_defaults(&spaces[0], &err) < 0)
		abort();
	struct opt_syntax syntax = {spaces, 2, verb->options_first};
	int r = opt_parse(&syntax, argc, argv, &first, &err);
	if (r == 0 && (first < 1 || first > argc))
		abort();
	if (r < 0 && err.code == 0)
		abort(); /* a refusal without a sentence */
	opt_done(&spaces[0]);
	free(args);
}

static void fuzz_texts(const char *text, const char *second)
{
	struct workload_rlimit limit;
	struct sandbox_user user;
	uint64_t mask = 0;
	const char *items[] = {text};
	struct opt_list list = {items, 1};
	struct opt_list none = {0};

	(void)!run_ulimit(text, &limit, NULL);
	(void)!run_caps(&list, &none, &mask, NULL);
	(void)!sandbox_user_parse(second, second, text, &user, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *argv[WORDS_MAX + 1];
	int argc = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	/* The first line, and all behind it as a passwd and group file. */
	char *rest = strchr(text, '\n');
	if (rest) {
		*rest = '\0';
		fuzz_texts(text, rest + 1);
		*rest = '\n';
	}
	for (char *p = text; p && argc < WORDS_MAX;) {
		argv[argc++] = p;
		p = strchr(p, '\n');
		if (p)
			*p++ = '\0';
	}
	argv[argc] = NULL;
	for (size_t i = 0; cli_verbs[i]; i++) {
		char *copy[WORDS_MAX + 1];

		memcpy(copy, argv, sizeof(copy));
		fuzz_verb(cli_verbs[i], argc, copy);
	}
	free(text);
	return 0;
}
