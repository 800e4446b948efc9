// SPDX-License-Identifier: Apache-2.0
/*
 * Run at build time: prints the default filter for the default capabilities as C, so that
 * no start has to compile it.
 */
#include "containers/caps.h"
#include "containers/seccomp_default.h"

#include <stdio.h>

int main(void)
{
	struct seccomp_program full = {0}, program = {0};
	struct il_err err = {0};

	if (seccomp_compile(ctr_caps_default, &full, &err) < 0 ||
	    seccomp_pack(&full, ctr_caps_default, &program, &err) < 0) {
		fprintf(stderr, "seccomp_gen: %s\n", err.msg);
		return 1;
	}
	printf("/* Made by containers/gen/seccomp_gen.c. */\n"
	       "static const struct sock_filter seccomp_default_insns[] = {\n");
	for (unsigned int i = 0; i < program.count; i++)
		printf("\t{0x%x, %u, %u, 0x%x},\n", program.insns[i].code, program.insns[i].jt,
		       program.insns[i].jf, program.insns[i].k);
	printf("};\n");
	seccomp_program_done(&program);
	seccomp_program_done(&full);
	return fflush(stdout) == 0 ? 0 : 1;
}
