import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskedUrl } from '../../../src/support/masked.ts';
import { addressOf, publicUrlOf } from '../../../src/redis/target.ts';
import { asksForTls, parseRedisUrl } from '../../../src/redis/url.ts';

const published = (url: string) => publicUrlOf({ ...parseRedisUrl(url), timeoutMillis: 0 });

describe('a redis URL', () => {
  test.each([
    ['redis://', '127.0.0.1', 6379, 0],
    ['redis:///3', '127.0.0.1', 6379, 3],
    ['redis://cache', 'cache', 6379, 0],
    ['REDIS://cache:80/2', 'cache', 80, 2],
    ['redis://:6380', '127.0.0.1', 6380, 0],
    ['redis://cache.example.com:6380/15', 'cache.example.com', 6380, 15],
    ['redis://cache?db=4', 'cache', 6379, 4],
    ['redis://10.1.2.3:7000/', '10.1.2.3', 7000, 0],
    ['redis://[::1]:6380/1', '::1', 6380, 1],
    ['redis://[fe80::80]', 'fe80::80', 6379, 0],
    ['redis://my_cache:6379/0', 'my_cache', 6379, 0],
    ['redis://cache/3/', 'cache', 6379, 3],
    ['redis://cache//3', 'cache', 6379, 3],
    ['redis://cache/2?db=2', 'cache', 6379, 2],
    ['valkey://cache/1', 'cache', 6379, 1],
    ['localhost:6380', 'localhost', 6380, 0],
    ['redis:6379/2', 'redis', 6379, 2],
    ['[::1]:6380', '::1', 6380, 0],
    ['localhost', 'localhost', 6379, 0],
    ['cache.example.com/2', 'cache.example.com', 6379, 2],
    ['[::1]', '::1', 6379, 0],
  ])('%s leads to host %s, port %i, database %i', (url, host, port, database) => {
    expect(parseRedisUrl(url)).toEqual({ host, port, database });
  });

  test('with rediss:// asks for TLS with a verified certificate', () => {
    expect(parseRedisUrl('rediss://cache')).toMatchObject({ tls: { verify: true } });
  });

  test('takes any user and password once they are percent-encoded', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.string({ minLength: 1, unit: 'grapheme' }),
        (user, password) => {
          const url = `redis://${encodeURIComponent(user)}:${encodeURIComponent(password)}@cache:6380/2`;
          expect(parseRedisUrl(url)).toEqual({
            username: user,
            password,
            host: 'cache',
            port: 6380,
            database: 2,
          });
        },
      ),
    );
  });

  test.each(['rediss://cache', 'valkeys://cache', 'redis+ssl://cache', ' "VALKEYS://cache"'])(
    'asks for TLS by its scheme: %s',
    (url) => {
      expect(parseRedisUrl(url).tls).toEqual({ verify: true });
      expect(asksForTls(url)).toBe(true);
    },
  );

  test.each([
    ['"redis://:pw@cache/1"', 'a double quote (U+0022)'],
    ["'redis://:pw@cache/1'", 'a single quote (U+0027)'],
    ['redis://:pw@cache/1\n', 'a line feed (U+000A)'],
    ['redis://:pw@cache/1\r\n', 'a carriage return (U+000D), a line feed (U+000A)'],
    [' \tredis://:pw@cache/1', 'a blank (U+0020), a tab (U+0009)'],
    ['\ufeffredis://:pw@cache/1', 'a byte order mark (U+FEFF)'],
    [
      '\ufeff" redis://:pw@cache/1 "',
      'a byte order mark (U+FEFF), a double quote (U+0022), a blank (U+0020)',
    ],
  ])('is read without what a file has left around it, and names that: %j', (url, left) => {
    expect(parseRedisUrl(url)).toEqual({
      ...{ host: 'cache', port: 6379, database: 1, password: 'pw' },
      ignored: [`has ${left} around it, which is left out`],
    });
  });

  test('names what of it is not used, and never a value, which may be secret', () => {
    const url =
      'rediss://cache?ssl_cert_reqs=none&db=1&socket_timeout=5&p%40ss%20w=s3cret&pool=s3cret#s3cret';
    expect(parseRedisUrl(url)).toMatchObject({
      database: 1,
      ignored: [
        'has the parameter `ssl_cert_reqs`, which is ignored: --insecure accepts any certificate',
        'has the parameter `socket_timeout`, which is ignored: use --timeout',
        'has a parameter, which is ignored',
        'has the parameter `pool`, which is ignored',
        'has a part after #, which is ignored',
      ],
    });
  });

  test('takes a user alone, a password alone, and neither', () => {
    expect(parseRedisUrl('redis://ann@cache')).toMatchObject({ username: 'ann' });
    expect(parseRedisUrl('redis://:secret@cache')).not.toHaveProperty('username');
    expect(parseRedisUrl('redis://:@cache')).toEqual({ host: 'cache', port: 6379, database: 0 });
  });

  test('takes a password with @ and : as it stands, for only the last @ can end it', () => {
    expect(parseRedisUrl('redis://:p@ss:word@cache')).toMatchObject({ password: 'p@ss:word', host: 'cache' });
  });
});

describe('a unix URL', () => {
  test.each([
    ['unix:///run/redis.sock', '/run/redis.sock', 0],
    ['unix:///run/redis.sock/2', '/run/redis.sock', 2],
    ['unix:///run/redis.sock?db=3', '/run/redis.sock', 3],
    ['redis+unix:///run/my%20redis.sock', '/run/my redis.sock', 0],
    ['unix:/run/redis.sock', '/run/redis.sock', 0],
    ['redis-socket:///run/redis.sock?database=4', '/run/redis.sock', 4],
    ['redis+socket:///run/redis.sock?virtual_host=5', '/run/redis.sock', 5],
    ['unix:///run/a@b.sock', '/run/a@b.sock', 0],
  ])('%s leads to %s, database %i', (url, socketPath, database) => {
    expect(parseRedisUrl(url)).toMatchObject({ socketPath, database });
  });

  test('takes a user and a password', () => {
    expect(parseRedisUrl('unix://ann:s%2Fx@/run/redis.sock')).toMatchObject({
      username: 'ann',
      password: 's/x',
      socketPath: '/run/redis.sock',
    });
  });
});

describe('a URL that cannot be used', () => {
  test.each([
    ['http://cache', 'it is neither host:port nor a URL with redis://'],
    ['redis://cache:port', 'its host and port cannot be read'],
    ['redis://cache:0', 'its port 0 is out of range'],
    ['redis://cache:65536', 'its port 65536 is out of range'],
    ['redis://::1:6379', 'write an IPv6 address in brackets'],
    ['redis://[::g]:6379', 'is not an IPv6 address'],
    ['redis://ca che', 'its host contains a blank (U+0020)'],
    ['redis://ca\nche', 'its host contains a line feed (U+000A)'],
    ['redis://ca\ufeffche', 'its host contains a byte order mark (U+FEFF)'],
    ['redis://cache\u200b:6379', 'its host contains the character U+200B'],
    ['redis://“cache”', 'its host contains “ (U+201C)'],
    ['"redis://cache', 'it begins with a double quote (U+0022), which is not closed'],
    ['“redis://cache”', 'it begins with “ (U+201C)'],
    ['-cache', 'it is neither host:port nor a URL with redis://'],
    ['redis:/cache', 'it is neither host:port nor a URL with redis://'],
    ['redis-sentinel://cache:26379', 'Sentinels are named in the map'],
    ['redis+cluster://cache', 'with --cluster'],
    ['redis://cache/0/1', 'it has more than a database number after its host'],
    ['redis://cache/1?db=2', 'it names two databases, 1 and 2'],
    ['redis://cache/first', '`first` is not a database number'],
    ['redis://cache/-1', '`-1` is not a database number'],
    ['redis://:50%off@cache', 'its password holds a % that begins no escape'],
    ['redis://:12/ab@cache', 'special characters of a password must be escaped'],
    ['redis://ann:12#ab@cache', 'special characters of a password must be escaped'],
    ['unix://run/redis.sock', 'begins with a third slash'],
    ['unix://', 'names no socket path'],
  ])('%s is refused: %s', (url, reason) => {
    expect(() => parseRedisUrl(url)).toThrow(reason);
  });
});

describe('a password', () => {
  const password = fc.stringMatching(/^[a-z0-9/?#@:%[\] ]{0,12}XYZZY[a-z0-9/?#@:%[\] ]{0,12}$/);

  test('is in no error, no address and no masked URL, however badly it is escaped', () => {
    fc.assert(
      fc.property(password, fc.constantFrom('redis', 'rediss', 'unix'), (secret, scheme) => {
        const url = `${scheme}://ann:${secret}@${scheme === 'unix' ? '' : 'cache:6379'}/0`;
        let said: string;
        try {
          said = published(url);
        } catch (error) {
          said = String(error);
        }
        expect(said).not.toContain('XYZZY');
        expect(maskedUrl(url)).not.toContain('XYZZY');
      }),
    );
  });

  test('without a host after it is masked too', () => {
    expect(maskedUrl('redis://ann:secret')).toBe('redis://…');
    expect(maskedUrl('ann:secret@cache')).toBe('…@cache');
    expect(maskedUrl('"redis://ann:secret')).toBe('"redis://…');
  });

  test('that is not there leaves the URL as it is', () => {
    for (const url of [
      'redis://cache:6379/0',
      'redis://[::1]:6379',
      'unix:///run/redis.sock',
      'localhost:6379',
      'cache',
    ]) {
      expect(maskedUrl(url)).toBe(url);
    }
  });
});

test('an address has an IPv6 host in brackets', () => {
  expect(published('rediss://ann:secret@[::1]:6380/1')).toBe('rediss://[::1]:6380/1');
  expect(addressOf(parseRedisUrl('unix:///run/redis.sock'))).toBe('/run/redis.sock');
});
