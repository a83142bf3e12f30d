<?php
// The common script by pecl-memcache: php php-memcache.php PORT
[, $port] = $argv;
require __DIR__ . '/check.php';

$client = new Memcache();
$client->addServer('127.0.0.1', (int) $port);

check('set', true, $client->set('pecl:a', 'one'));
check('get', 'one', $client->get('pecl:a'));
check('add to a key that is there', false, $client->add('pecl:a', 'two'));
check('replace', true, $client->replace('pecl:a', 'b'));
check('append', true, $client->append('pecl:a', 'c'));
check('prepend', true, $client->prepend('pecl:a', 'a'));
check('what they made', 'abc', $client->get('pecl:a'));
check('delete', true, $client->delete('pecl:a'));
check('delete again', false, $client->delete('pecl:a'));
passed('store');

check('a miss', false, $client->get('pecl:none'));
$large = str_repeat('0123456789abcdef', 50000);
foreach (['empty' => '', 'binary' => "\0\r\nEND\r\n\xff", 'large' => $large, 'array' => ['a' => [1, 2.5, null]], 'int' => 7, 'bool' => true] as $name => $value) {
    check("set $name", true, $client->set("pecl:$name", $value));
    check("get $name", $value, $client->get("pecl:$name"));
}
check('set compressed', true, $client->set('pecl:large', $large, MEMCACHE_COMPRESSED));
check('get compressed', $large, $client->get('pecl:large'));
passed('fetch');

$client->set('pecl:cas', 'one');
$flags = $token = null;
check('value with its token', 'one', $client->get('pecl:cas', $flags, $token));
check('cas', true, $client->cas('pecl:cas', 'two', 0, 0, $token));
check('cas with the old token', false, $client->cas('pecl:cas', 'three', 0, 0, $token));
check('what is there', 'two', $client->get('pecl:cas'));
passed('cas');

$client->set('pecl:n', '10');
check('increment', 15, $client->increment('pecl:n', 5));
check('decrement', 14, $client->decrement('pecl:n'));
check('decrement below zero', 0, $client->decrement('pecl:n', 100));
check('increment of nothing', false, $client->increment('pecl:none', 1));
passed('incr');

$many = [];
for ($at = 0; $at < 200; $at++) $many["pecl:many:$at"] = "value $at";
foreach ($many as $key => $value) $client->set($key, $value);
check('get of many', $many, $client->get([...array_keys($many), 'pecl:none']));
passed('multi');

check('set for a second', true, $client->set('pecl:short', 'x', 0, 1));
check('set until then', true, $client->set('pecl:until', 'x', 0, time() + 1000));
eventually('expiry', fn () => $client->get('pecl:short') === false);
check('what has time left', 'x', $client->get('pecl:until'));
passed('expiry');

check('stats', true, (int) $client->getStats()['pid'] > 0);
check('version', true, preg_match('/^\d+\.\d+\.\d+/', $client->getVersion()) === 1);
passed('stats');
