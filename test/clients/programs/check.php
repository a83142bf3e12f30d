<?php
// What the PHP programs share: a check that ends the program when it fails.
// Not the deprecations: pecl-memcache causes one by itself.
error_reporting(E_ALL & ~E_DEPRECATED);
set_error_handler(function ($level, $message, $file, $line) {
    if (($level & error_reporting()) === 0) return false;
    fwrite(STDERR, "$message ($file:$line)\n");
    exit(1);
});

function check(string $what, mixed $expected, mixed $actual): void
{
    if ($expected === $actual) return;
    fprintf(STDERR, "%s: expected %s, got %s\n", $what, shown($expected), shown($actual));
    exit(1);
}

function shown(mixed $value): string
{
    return substr(var_export($value, true), 0, 200);
}

/** Waits for what takes the server's clock a second or two. */
function eventually(string $what, callable $isTrue): void
{
    $deadline = microtime(true) + 10;
    while (!$isTrue()) {
        if (microtime(true) > $deadline) check($what, true, false);
        usleep(50000);
    }
}

function passed(string $step): void
{
    echo "$step\n";
}
