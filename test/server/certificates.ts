import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files in PEM. The server's certificate is for `localhost` and 127.0.0.1; the same one serves as a client's. */
export interface CertificateSet {
  readonly ca: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Of the key in `keyFile`, for `localhost` too, and signed by no authority but itself. */
  readonly selfSigned: string;
  /** The server's own, valid until 2021. */
  readonly expired: string;
}

/** Makes an authority of its own and a certificate that it signed, so that no key has to lie in the repository. */
export function makeCertificates(directory: string): CertificateSet {
  const authority = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const server = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const issuer = commonName('cachectl test authority');
  const ca = certificate({
    serial: 1,
    issuer,
    subject: issuer,
    key: authority.publicKey,
    signer: authority.privateKey,
    extensions: [isAuthority],
  });
  const own = {
    serial: 2,
    issuer,
    subject: commonName('localhost'),
    key: server.publicKey,
    signer: authority.privateKey,
    extensions: [forLocalhost],
  };
  const leaf = certificate(own);
  const file = (name: string, text: string | Buffer) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    ca,
    caFile: file('ca.pem', ca),
    certificateFile: file('server.pem', leaf),
    selfSigned: certificate({
      serial: 3,
      issuer: commonName('localhost'),
      subject: commonName('localhost'),
      key: server.publicKey,
      signer: server.privateKey,
      extensions: [forLocalhost],
    }),
    expired: certificate({ ...own, untilYear: 21 }),
    keyFile: file('server.key', server.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

interface CertificateFields {
  readonly serial: number;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  /** Of this century. */
  readonly untilYear?: number;
}

// What follows writes DER (X.690) for the Certificate of RFC 5280, section 4.1.

const [INTEGER, BIT_STRING, OCTET_STRING, UTF8_STRING, UTC_TIME, SEQUENCE, SET] = [
  0x02, 0x03, 0x04, 0x0c, 0x17, 0x30, 0x31,
];
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

function der(tag: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const size = content.length;
  const header =
    size < 0x80 ? [tag, size] : size < 0x100 ? [tag, 0x81, size] : [tag, 0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

/** An object identifier, given in its encoded form. */
const oid = (hex: string) => Buffer.from(`06${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`, 'hex');
const ecdsaWithSha256 = der(SEQUENCE, oid('2a8648ce3d040302'));
const commonName = (name: string) =>
  der(SEQUENCE, der(SET, der(SEQUENCE, oid('550403'), der(UTF8_STRING, name))));

const isAuthority = der(SEQUENCE, oid('551d13'), TRUE, der(OCTET_STRING, der(SEQUENCE, TRUE)));
const forLocalhost = der(
  SEQUENCE,
  oid('551d11'),
  der(OCTET_STRING, der(SEQUENCE, der(0x82, 'localhost'), der(0x87, Buffer.from([127, 0, 0, 1])))),
);

function certificate(fields: CertificateFields): string {
  const { serial, issuer, subject, key, signer, extensions, untilYear = 49 } = fields;
  const version3 = der(0xa0, der(INTEGER, Buffer.from([2])));
  const validity = der(SEQUENCE, der(UTC_TIME, '200101000000Z'), der(UTC_TIME, `${untilYear}1231235959Z`));
  const body = der(
    SEQUENCE,
    version3,
    der(INTEGER, Buffer.from([serial])),
    ecdsaWithSha256,
    issuer,
    validity,
    subject,
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', body, signer));
  const lines =
    der(SEQUENCE, body, ecdsaWithSha256, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
