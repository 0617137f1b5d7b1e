// SPDX-License-Identifier: GPL-3.0-or-later
// The transpose of a matrix with a page for each row: element by element, or tile by tile.
//   loads and stores rows * columns each. A: rows pages, read; B: columns pages behind it, written.
//   Naive (tile=0), LRU, fully associative, R rows, C columns, both > 2, E entries: 2RC misses if E = 1; R + RC up to
//   E = C; R + C + (R - 1)(C - 1) for E = C + 1; R + C from E = C + 2 on. Tiles of T rows and columns (T > 2) that
//   divide both, 2T + 2 <= E <= C - T: R + C * R / T misses.
#include "lab.h"

MEASURED transpose(uint64_t a, uint64_t b, uint64_t rows, uint64_t columns, uint64_t tile_rows, uint64_t tile_columns)
{
    for (uint64_t top = 0; top < rows; top += tile_rows)
        for (uint64_t left = 0; left < columns; left += tile_columns)
            for (uint64_t i = top; i < top + tile_rows; i++)
                for (uint64_t k = left; k < left + tile_columns; k++)
                    STORE(b + k * PAGE + 8 * i, LOAD(a + i * PAGE + 8 * k));
    MEASURED_END(0);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "rows columns tile leaf");
    uint64_t rows = lab_argument("rows", 32), columns = lab_argument("columns", 64), tile = lab_argument("tile", 0);
    uint64_t *a = (uint64_t *)MEMORY, *b = a + 512 * rows;
    Space s = lab_space(1, transpose, 0);
    lab_map(&s, (rows + columns) * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t k = 0; k < columns; k++)
            a[i * 512 + k] = i << 32 | k;
    lab_run(&s, transpose, (uint64_t[8]){WINDOW, WINDOW + rows * PAGE, rows, columns, tile ? tile : rows,
                               tile ? tile : columns});
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t k = 0; k < columns; k++)
            if (b[k * 512 + i] != (i << 32 | k))
                return 3;
    return 0;
}
