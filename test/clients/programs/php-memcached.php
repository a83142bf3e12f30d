<?php
// The common script by php-memcached: php php-memcached.php PORT text|binary
[, $port, $protocol] = $argv;
require __DIR__ . '/check.php';

$client = new Memcached();
$client->setOption(Memcached::OPT_BINARY_PROTOCOL, $protocol === 'binary');
$client->addServer('127.0.0.1', (int) $port);

$binary = "\0\r\nEND\r\n\xff";
$large = str_repeat('0123456789abcdef', 50000);
$client->setOption(Memcached::OPT_COMPRESSION, false);
check('set', true, $client->set('php:a', 'one'));
check('get', 'one', $client->get('php:a'));
check('add to a key that is there', false, $client->add('php:a', 'two'));
// The binary protocol says why: the key exists.
$refusals = ['text' => Memcached::RES_NOTSTORED, 'binary' => Memcached::RES_DATA_EXISTS];
check('its code', $refusals[$protocol], $client->getResultCode());
check('replace', true, $client->replace('php:a', 'b'));
check('append', true, $client->append('php:a', 'c'));
check('prepend', true, $client->prepend('php:a', 'a'));
check('what they made', 'abc', $client->get('php:a'));
check('delete', true, $client->delete('php:a'));
check('delete again', false, $client->delete('php:a'));
check('its code', Memcached::RES_NOTFOUND, $client->getResultCode());
passed('store');

check('a miss', false, $client->get('php:none'));
check('its code', Memcached::RES_NOTFOUND, $client->getResultCode());
foreach (['empty' => '', 'binary' => $binary, 'large' => $large, 'array' => ['a' => [1, 2.5, null]], 'int' => 7, 'bool' => true] as $name => $value) {
    check("set $name", true, $client->set("php:$name", $value));
    check("get $name", $value, $client->get("php:$name"));
}
$client->setOption(Memcached::OPT_COMPRESSION, true);
check('set compressed', true, $client->set('php:large', $large));
check('get compressed', $large, $client->get('php:large'));
passed('fetch');

$client->set('php:cas', 'one');
$item = $client->get('php:cas', null, Memcached::GET_EXTENDED);
check('value with its token', 'one', $item['value']);
check('cas', true, $client->cas($item['cas'], 'php:cas', 'two'));
check('cas with the old token', false, $client->cas($item['cas'], 'php:cas', 'three'));
check('its code', Memcached::RES_DATA_EXISTS, $client->getResultCode());
check('what is there', 'two', $client->get('php:cas'));
passed('cas');

$client->set('php:n', 10);
check('increment', 15, $client->increment('php:n', 5));
check('decrement', 14, $client->decrement('php:n'));
check('decrement below zero', 0, $client->decrement('php:n', 100));
check('increment of nothing', false, $client->increment('php:none', 1));
if ($protocol === 'binary') check('increment with a first value', 40, $client->increment('php:first', 2, 40));
passed('incr');

$many = [];
for ($at = 0; $at < 200; $at++) $many["php:many:$at"] = "value $at";
check('setMulti', true, $client->setMulti($many));
check('getMulti', [...$many, 'php:none' => null], $client->getMulti([...array_keys($many), 'php:none'], Memcached::GET_PRESERVE_ORDER));
$client->getDelayed(array_keys($many), true);
check('getDelayed', 200, count($client->fetchAll()));
check('deleteMulti', array_fill_keys(array_keys($many), true), $client->deleteMulti(array_keys($many)));
passed('multi');

$client->set('php:short', 'x', 1);
$client->set('php:touched', 'x', 1000);
$client->set('php:long', 'x', 1000);
check('touch', true, $client->touch('php:touched', 1));
eventually('expiry', fn () => $client->get('php:short') === false);
eventually('expiry of what was touched', fn () => $client->get('php:touched') === false);
check('what has time left', 'x', $client->get('php:long'));
check('a time that has passed', true, $client->set('php:past', 'x', time() - 10));
check('its item', false, $client->get('php:past'));
passed('expiry');

$stats = array_values($client->getStats())[0];
check('stats', (int) $stats['pid'] > 0, true);
check('version', true, preg_match('/^\d+\.\d+\.\d+/', array_values($client->getVersion())[0]) === 1);
passed('stats');
