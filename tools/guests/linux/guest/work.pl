# SPDX-License-Identifier: GPL-3.0-or-later
# The same four jobs as work.lua: sieve, n-body, words, sort.
use strict;
my $scale = $ARGV[0];

sub sieve {
    my ($n, $count, @composite) = (shift, 0);
    for (my $i = 2; $i <= $n; $i++) {
        next if $composite[$i];
        $count++;
        for (my $j = $i * $i; $j <= $n; $j += $i) { $composite[$j] = 1 }
    }
    return $count;
}

sub nbody {
    my $steps = shift;
    my ($x, $y, $vx, $vy, $dt) = (1.0, 0.0, 0.0, 1.0, 0.001);
    for (1 .. $steps) {
        my $r2 = $x * $x + $y * $y;
        my $a = 1 / ($r2 * sqrt($r2));
        $vx -= $x * $a * $dt; $vy -= $y * $a * $dt;
        $x += $vx * $dt; $y += $vy * $dt;
    }
    return sprintf("%.12f %.12f", $x, $y);
}

my $seed = 42;
sub random { $seed = ($seed * 3877 + 29573) % 139968; return $seed % $_[0] }

sub words {
    my ($n, %seen, $length) = (shift);
    for (1 .. $n) {
        my $s = join '', map { chr(97 + random(26)) } 1 .. 3;
        $seen{$s}++;
        $s =~ s/[aeiou]//g;
        $length += length $s;
    }
    return scalar(keys %seen) . " $length";
}

sub sorted {
    my ($n, $s) = (shift, 0);
    my @t = map { random(139968) } 1 .. $n;
    $s = ($s * 31 + $_) % 1000003 for sort { $a <=> $b } @t;
    return $s;
}

print sieve(100000 * $scale), "\n", nbody(100000 * $scale), "\n",
      words(20000 * $scale), "\n", sorted(20000 * $scale), "\n";
