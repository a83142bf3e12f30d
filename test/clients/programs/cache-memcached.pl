#!/usr/bin/perl
# The common script by Cache::Memcached, or by Cache::Memcached::Fast: perl cache-memcached.pl PORT [Fast]
use strict;
use warnings;
use Time::HiRes qw(sleep time);

my ($port, $variant) = @ARGV;
my $is_fast = defined $variant && $variant eq 'Fast';
my $class = $is_fast ? 'Cache::Memcached::Fast' : 'Cache::Memcached';
eval "require $class; 1" or die $@;
my $client = $class->new({ servers => ["127.0.0.1:$port"], namespace => 'perl:' });

sub shown { my ($value) = @_; return defined $value ? '"' . substr($value, 0, 200) . '"' : 'nothing' }

sub check {
    my ($what, $actual, $expected) = @_;
    return if defined $actual ? defined $expected && $actual eq $expected : !defined $expected;
    die "$what: expected " . shown($expected) . ', got ' . shown($actual) . "\n";
}

# Waits for what takes the server's clock a second or two.
sub eventually {
    my ($what, $is_true) = @_;
    my $deadline = time + 10;
    until ($is_true->()) {
        die "$what: not within 10 s\n" if time > $deadline;
        sleep 0.05;
    }
}

sub passed { my ($step) = @_; print "$step\n" }

check('set', $client->set('a', 'one'), 1);
check('get', $client->get('a'), 'one');
check('add to a key that is there', !!$client->add('a', 'two'), !!0);
check('replace', !!$client->replace('a', 'b'), 1);
check('append', !!$client->append('a', 'c'), 1);
check('prepend', !!$client->prepend('a', 'a'), 1);
check('what they made', $client->get('a'), 'abc');
check('delete', !!$client->delete('a'), 1);
check('delete again', !!$client->delete('a'), !!0);
passed('store');

check('a miss', $client->get('none'), undef);
my %values = (empty => '', binary => "\0\r\nEND\r\n\xff", large => '0123456789abcdef' x 50000);
for my $name (sort keys %values) {
    check("set $name", $client->set($name, $values{$name}), 1);
    check("get $name", $client->get($name), $values{$name});
}
$client->set('object', { a => [1, 2.5] });
check('get of an object', $client->get('object')->{a}[1], 2.5);
passed('fetch');

if ($is_fast) {
    $client->set('cas', 'one');
    my $item = $client->gets('cas');
    check('value with its token', $item->[1], 'one');
    $item->[1] = 'two';
    check('cas', !!$client->cas('cas', @$item), 1);
    check('cas with the old token', !!$client->cas('cas', @$item), !!0);
    check('what is there', $client->get('cas'), 'two');
    passed('cas');
}

$client->set('n', '10');
check('incr', $client->incr('n', 5), 15);
check('decr below zero', $client->decr('n', 100) + 0, 0);
check('incr of nothing', $client->incr('none', 1) ? 1 : 0, 0);
passed('incr');

my %many = map { ("many:$_" => "value $_") } 0 .. 199;
$client->set($_, $many{$_}) for keys %many;
my $found = $client->get_multi(keys %many, 'none');
check('get_multi', scalar keys %$found, 200);
check("value of $_", $found->{$_}, $many{$_}) for keys %many;
passed('multi');

$client->set('short', 'x', 1);
$client->set('long', 'x', 1000);
eventually('expiry', sub { !defined $client->get('short') });
check('what has time left', $client->get('long'), 'x');
passed('expiry');

if (!$is_fast) {
    check('stats', $client->stats('misc')->{hosts}{"127.0.0.1:$port"}{misc}{pid} > 0 ? 1 : 0, 1);
    passed('stats');
}
