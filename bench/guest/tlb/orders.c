// SPDX-License-Identifier: GPL-3.0-or-later
// A day's orders, processed: a program to read a TLB report of. It runs in S-mode on 4 KiB pages (bench/guest/sv39.c).
#include <stdint.h>
#include <stdio.h>

#define ORDERS   100000
#define PRODUCTS 2000
#define REGIONS  512 // words of a row of sales: one page
#define ACTIVE   128 // regions that sell
#define STEP     __attribute__((noinline)) static

typedef struct {
    uint32_t product, region, count, price;
    uint64_t total, tax;
} Order;

static Order orders[ORDERS] __attribute__((aligned(4096)));
static uint64_t sales[PRODUCTS][REGIONS] __attribute__((aligned(4096)));
static uint32_t prices[PRODUCTS];
static uint64_t totals[REGIONS];

STEP void read_orders(void)
{
    uint64_t x = 1;
    for (int i = 0; i < ORDERS; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        orders[i] = (Order){x >> 33 & 0x3ff, x >> 45 & (ACTIVE - 1), 1 + (x >> 60), 0, 0, 0};
    }
}

STEP void set_prices(void)
{
    for (uint32_t i = 0; i < PRODUCTS; i++)
        prices[i] = 100 + i * 7919 % 900;
}

STEP uint64_t price_orders(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < ORDERS; i++) {
        Order *o = &orders[i];
        o->price = prices[o->product];
        o->total = 0;
        for (uint32_t k = 0; k < o->count; k++) { // the more, the cheaper
            o->total += o->price - k * (prices[(o->product + k) % PRODUCTS] >> 8);
            o->tax = o->total * 19 / 100;
        }
        sum += o->total + o->tax;
    }
    return sum;
}

STEP void enter_sales(void)
{
    for (int i = 0; i < PRODUCTS * 4; i++)
        sales[i % PRODUCTS][orders[i].region] += orders[i].total;
}

STEP void add_regions(void)
{
    for (int region = 0; region < ACTIVE; region++)
        for (int product = 0; product < PRODUCTS; product++)
            totals[region] += sales[product][region];
}

STEP int best_region(void)
{
    int best = 0;
    for (int i = 1; i < ACTIVE; i++)
        if (totals[i] > totals[best])
            best = i;
    return best;
}

int main(void)
{
    read_orders();
    set_prices();
    uint64_t sum = price_orders();
    enter_sales();
    add_regions();
    printf("%d orders, %lu in all, best region %d\n", ORDERS, (unsigned long)sum, best_region());
    return 0;
}
