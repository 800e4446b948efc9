// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/core.h"

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	bool zero, left, is_signed;
	int width, precision;
	unsigned int base;
	const char *digits;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *f, const char *s)
{
	int n = (int)(f->precision >= 0 ? strnlen(s, (size_t)f->precision) : strlen(s));

	if (!f->left)
		pad(o, ' ', f->width - n);
	for (int i = 0; i < n; i++)
		put(o, s[i]);
	if (f->left)
		pad(o, ' ', f->width - n);
}

static void put_number(struct out *o, const struct spec *f, uint64_t v)
{
	bool minus = f->is_signed && (int64_t)v < 0;
	char text[24];
	int n = 0;

	if (minus)
		v = -v;
	do {
		text[n++] = f->digits[v % f->base];
		v /= f->base;
	} while (v);
	int fill = f->width - n - minus;
	if (!f->left && !f->zero)
		pad(o, ' ', fill);
	if (minus)
		put(o, '-');
	if (!f->left && f->zero)
		pad(o, '0', fill);
	while (n > 0)
		put(o, text[--n]);
	if (f->left)
		pad(o, ' ', fill);
}

static const char *parse_flags(const char *p, struct spec *f, va_list *ap)
{
	for (;; p++) {
		if (*p == '0')
			f->zero = true;
		else if (*p == '-')
			f->left = true;
		else
			break;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		f->width = f->width * 10 + (*p - '0');
	if (*p != '.')
		return p;
	p++;
	f->precision = 0;
	if (*p == '*') {
		f->precision = va_arg(*ap, int);
		return p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		f->precision = f->precision * 10 + (*p - '0');
	return p;
}

/* One conversion at @p (behind the '%'); returns the place behind it. */
static const char *convert(struct out *o, const char *p, va_list *ap)
{
	struct spec f = {.precision = -1, .base = 10, .digits = "0123456789abcdef"};
	bool wide = false;
	uint64_t v;

	p = parse_flags(p, &f, ap);
	for (; *p == 'l' || *p == 'z'; p++)
		wide = true;
	switch (*p) {
	case 's': {
		const char *s = va_arg(*ap, const char *);

		put_text(o, &f, s ? s : "(null)");
		return p + 1;
	}
	case 'c':
		put(o, (char)va_arg(*ap, int));
		return p + 1;
	case 'd':
	case 'i':
		f.is_signed = true;
		v = wide ? (uint64_t)va_arg(*ap, long) : (uint64_t)(long)va_arg(*ap, int);
		break;
	case 'p':
		wide = true;
		f.base = 16;
		v = va_arg(*ap, uint64_t);
		break;
	case 'X':
	case 'x':
	case 'o':
	case 'u':
		if (*p == 'X')
			f.digits = "0123456789ABCDEF";
		f.base = *p == 'u' ? 10 : *p == 'o' ? 8 : 16;
		v = wide ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int);
		break;
	case '\0':
		return p;
	default:
		put(o, *p);
		return p + 1;
	}
	put_number(o, &f, v);
	return p + 1;
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = {.buf = buf, .size = size};
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&o, fmt + 1, &args);
		else
			put(&o, *fmt++);
	}
	va_end(args);
	if (size > 0)
		buf[KMIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
