<?php
// One web request on a session: php -d session.save_handler=... php-session.php SESSION_ID [wait | destroy]
// Says "open" once it has the session and its lock; with `wait` it goes on when a line comes in. Prints what the
// session holds after this request added one.
require __DIR__ . '/check.php';
[, $id] = $argv;
$action = $argv[2] ?? '';

ini_set('session.use_cookies', '0');
ini_set('session.use_only_cookies', '0');
ini_set('session.cache_limiter', '');
session_id($id);
check('session_start', true, session_start());
echo "open\n";
if ($action === 'wait') fgets(STDIN);
if ($action === 'destroy') {
    check('session_destroy', true, session_destroy());
    echo "destroyed\n";
    exit;
}
$_SESSION['requests'] = ($_SESSION['requests'] ?? 0) + 1;
$_SESSION['text'] = "\0\r\n" . str_repeat('x', 3000);
check('session_write_close', true, session_write_close());
echo $_SESSION['requests'], "\n";
