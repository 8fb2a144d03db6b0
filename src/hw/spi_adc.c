/* SPDX-License-Identifier: MIT */
/* A count of the clocks since the start bit decides what a bit means; see the data sheet's figure
 * of a conversion. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "hw/spi_bus.h"
#include "hw/spi_parts.h"

#define N_CHANNELS 8u
#define N_BITS     12u

/* Clocks, the start bit's being the first. */
#define AT_LAST_INPUT 5u /* single, D2, D1, D0 */
#define AT_NULL       6u
#define AT_FIRST_BIT  7u
#define AT_LAST_BIT   (AT_FIRST_BIT + N_BITS - 1)
#define AT_END        (AT_LAST_BIT + N_BITS - 1)

struct adc {
	struct spi_part part;
	uint32_t n[N_CHANNELS]; /* conversions */
	unsigned clock;         /* 0: waits for the start bit */
	unsigned request;       /* single, D2, D1, D0 */
	unsigned value;
};

static unsigned sample(struct adc *a, unsigned channel)
{
	return (512 * channel + 16 * (channel + 1) * a->n[channel]++) % (1u << N_BITS);
}

static unsigned convert(struct adc *a)
{
	unsigned channel = a->request & 7, plus = sample(a, channel), minus;

	if (a->request & 8)
		return plus;
	minus = sample(a, channel ^ 1);
	return plus > minus ? plus - minus : 0;
}

/* What is driven behind clock a->clock. */
static int adc_output(struct adc *a)
{
	unsigned at = a->clock;

	if (at < AT_NULL)
		return SPI_RELEASE;
	if (at == AT_NULL || at > AT_END)
		return 0;
	return a->value >> (at <= AT_LAST_BIT ? AT_LAST_BIT - at : at - AT_LAST_BIT) & 1;
}

static int adc_bit(struct spi_part *p, bool in)
{
	struct adc *a = container_of(p, struct adc, part);

	if (!a->clock && !in)
		return SPI_RELEASE;
	if (a->clock <= AT_END)
		a->clock++;
	if (a->clock > 1 && a->clock <= AT_LAST_INPUT)
		a->request = a->request << 1 | in;
	if (a->clock == AT_NULL)
		a->value = convert(a);
	return adc_output(a);
}

static int adc_select(struct spi_part *p, bool selected)
{
	struct adc *a = container_of(p, struct adc, part);

	a->clock = a->request = 0;
	return SPI_RELEASE;
}

static void adc_free(struct spi_part *p)
{
	free(container_of(p, struct adc, part));
}

static const struct spi_part_ops adc_ops = {.select = adc_select, .bit = adc_bit, .free = adc_free};

int spi_adc_new(struct spi_part **out)
{
	struct adc *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->part.ops = &adc_ops;
	snprintf(a->part.name, sizeof(a->part.name), "adc");
	*out = &a->part;
	return 0;
}
