#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command on a pseudo-terminal, as a person at a terminal would.

usage: terminal.py [-s ROWSxCOLS] [-r ROWSxCOLS] [-i TEXT]... -- COMMAND...

Each -i TEXT (with \\n, \\x03 and so on) is typed once the output holds the prompt "READY" that
many times; -r resizes the terminal before the last one. Prints the output, then one line
"status=N tty=same|changed": whether the terminal's settings are what they were before.
"""
import argparse, fcntl, os, re, select, signal, struct, sys, termios, time


def size(text):
    rows, cols = text.split("x")
    return struct.pack("HHHH", int(rows), int(cols), 0, 0)


parser = argparse.ArgumentParser()
parser.add_argument("-s", default="24x80")
parser.add_argument("-r")
parser.add_argument("-i", action="append", default=[])
parser.add_argument("command", nargs="+")
args = parser.parse_args()

# The slave stays open here, so that its settings can be read after the command's end.
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, size(args.s))
pid = os.fork()
if pid == 0:
    os.close(master)
    os.login_tty(slave)
    os.execvp(args.command[0], args.command)
before = termios.tcgetattr(slave)
inputs = [i.encode().decode("unicode_escape").encode() for i in args.i]
output, typed, status, end = b"", 0, None, time.monotonic() + 20
while status is None or select.select([master], [], [], 0.1)[0]:
    if time.monotonic() > end:
        os.kill(pid, signal.SIGKILL)
        output += b"\nterminal.py: timeout\n"
        end += 100
    if select.select([master], [], [], 0.05)[0]:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        output += data
    while typed < len(inputs) and len(re.findall(b"READY", output)) > typed:
        if args.r and typed == len(inputs) - 1:
            fcntl.ioctl(master, termios.TIOCSWINSZ, size(args.r))
            time.sleep(0.2)
        os.write(master, inputs[typed])
        typed += 1
    if status is None:
        done, wait_status = os.waitpid(pid, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(wait_status)
after = termios.tcgetattr(slave)
sys.stdout.write(output.decode(errors="replace").replace("\r\n", "\n"))
print("\nstatus=%s tty=%s" % (status, "same" if before == after else "changed"))
