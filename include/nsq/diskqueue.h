/* SPDX-License-Identifier: MIT */
/*
 * Owns: the files in which nsqd 1.3.0 keeps messages on disk (go-diskqueue 1.1.0): their names, the
 * records in them, and the text of the meta file. There is a parser and an encoder for each.
 * Must not know: how files are read and written, and what the server does with the messages.
 *
 * A queue is the queue of a topic or of a channel. A queue NAME has these files in the folder
 * --data-path:
 *
 *     NAME.diskqueue.000000.dat      records; the next file has the number 000001, and so on
 *     NAME.diskqueue.meta.dat        where the reader and the writer are
 *     NAME.diskqueue.000000.dat.bad  a data file that nsqd no longer reads
 *
 * NAME is TOPIC or TOPIC:CHANNEL. The queue of an ephemeral topic has no files, and the queue of an
 * ephemeral channel has none either. But a channel that is not ephemeral has files, even if its
 * topic is ephemeral. nsqd for Windows writes ';' instead of ':'; the functions below do not know
 * such names.
 *
 * What nsqd 1.3.0 does with the files when it starts: the file nsqd.dat names the topics and
 * channels. nsqd reads the queues of those that have a meta file. The meta file says where the
 * reader and the writer are. nsqd begins at the place of the reader, reads file after file, and
 * removes each file after its last record. The file of the writer may have bytes behind the place
 * of the writer. Then nsqd also reads this file to its end, and writes new records to the next
 * file.
 *
 * If a record is wrong, nsqd renames the file to ".bad" and continues with the next file. nsqd also
 * renames a file that ends where nsqd expects another record. This happens when the reader of nsqd
 * has read the last record of a file, and only later the writer begins the next file. So all
 * records of a ".bad" file may have been delivered.
 *
 * The functions allocate nothing and have no state.
 */
#ifndef NSQ_DISKQUEUE_H
#define NSQ_DISKQUEUE_H

#include <nsq/error.h>
#include <nsq/frame.h>
#include <nsq/span.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong in a record or in a meta file. */
enum nsq_diskqueue_why {
    NSQ_DISKQUEUE_NO_ERROR = 0,
    /* A record. */
    NSQ_DISKQUEUE_TOO_SMALL, /* its size is negative, or below NSQ_MESSAGE_HEADER_SIZE */
    NSQ_DISKQUEUE_TOO_BIG,   /* its body is longer than the caller's limit */
    NSQ_DISKQUEUE_BAD_ID,    /* its id does not consist of 16 of the bytes [0-9a-f] */
    /* A meta file. */
    NSQ_DISKQUEUE_CUT_OFF,      /* the text ends before its last number */
    NSQ_DISKQUEUE_NO_NUMBER,    /* a byte that is not a digit, where a number must stand */
    NSQ_DISKQUEUE_OUT_OF_RANGE, /* a number that does not fit into an int64 */
    NSQ_DISKQUEUE_NO_COMMA,     /* the byte directly after the number of a file is not ',' */
    NSQ_DISKQUEUE_NO_NEWLINE,   /* a byte that is not white space, where a line must end */
    NSQ_DISKQUEUE_WHY_COUNT,
};

/* Returns a short text for people, for example "size too small". It is empty for
 * NSQ_DISKQUEUE_NO_ERROR. The bytes are static. `why` must be a value of the enumeration. */
struct span nsq_diskqueue_why_text(enum nsq_diskqueue_why why);

/* --- records ---------------------------------------------------------------------------------- */

/*
 * A data file is a sequence of records. It has no header, and a record has no checksum:
 *     | size, int32 | timestamp, int64 ns | attempts, uint16 | id, 16 bytes of ASCII | body ... |
 * `size` counts all bytes after itself. So the bytes after `size` are the data of a message frame
 * (nsq/frame.h). `attempts` counts the deliveries up to now, so it is 0 in a message that no
 * consumer has received. A deferred message loses its delay on disk.
 */
#define NSQ_DISKQUEUE_HEADER_SIZE 30 /* bytes of a record with an empty body */
/* The largest body of a record. */
#define NSQ_DISKQUEUE_BODY_MAX ((size_t)INT32_MAX - NSQ_MESSAGE_HEADER_SIZE)

struct nsq_diskqueue_record {
    struct nsq_message message; /* its id and body point into the parser's input */
    size_t consumed;            /* how many bytes of the input belong to the record */
    int32_t size;               /* its size field; 0 if the input has fewer than 4 bytes */
    enum nsq_diskqueue_why why; /* with NSQ_BAD: the reason */
};

/*
 * Parses the record at the start of `in`. `in` is the part of a data file that was not parsed yet.
 * The input is borrowed. The body may have at most `max_body` bytes. For nsqd, this limit is
 * --max-msg-size. Pass NSQ_DISKQUEUE_BODY_MAX to accept every size that the format allows. The
 * function sets every field of `*record`; a field that the rules below do not name is 0.
 *
 * NSQ_OK: record->message, ->consumed and ->size are set. The body may be empty.
 * NSQ_MORE: the input is the beginning of a record. `size` is set if its 4 bytes have arrived. At
 *     the end of a file this means that its last record was not written completely, or, if `in` is
 *     empty, that the file ends properly.
 * NSQ_BAD: record->why is one of these reasons:
 *     NSQ_DISKQUEUE_TOO_SMALL, NSQ_DISKQUEUE_TOO_BIG: `size` is set. The parser finds this after 4
 *         bytes. The rest of the file cannot be read, because nothing tells where the next record
 *         begins. Here nsqd renames the file to ".bad".
 *     NSQ_DISKQUEUE_BAD_ID: all fields are set as with NSQ_OK. The parser finds a bad id when
 *         the record is complete, so the caller can skip the record. nsqd does not check the id,
 *         and delivers the message. But a client cannot finish a message whose id contains white
 *         space.
 *
 * Source: go-diskqueue 1.1.0, readOne; nsqd/message.go, decodeMessage; nsqd/guid.go, Hex.
 */
enum nsq_parse nsq_diskqueue_record_parse(struct span in, size_t max_body,
                                          struct nsq_diskqueue_record *record);

/*
 * Writes a record into `out`, a buffer of the caller with `room` bytes, and returns the number of
 * bytes that the record needs. If this number is above `room`, the function has written nothing. So
 * a call with room 0 returns this number and writes nothing. In such a call `out` may be NULL.
 * Returns 0 if the body is longer than NSQ_DISKQUEUE_BODY_MAX. The id is not checked.
 * Source: go-diskqueue 1.1.0, writeOne; nsqd/message.go, WriteTo.
 */
size_t nsq_diskqueue_record_encode(const struct nsq_message *message, uint8_t *out, size_t room);

/*
 * Returns whether the writer begins the next file before it writes a record. `record_size` is the
 * size of the record, as nsq_diskqueue_record_encode returns it. The writer is at offset
 * `write_pos` of its file. If this file is empty, the result is false. So a record that is longer
 * than `max_bytes` gets a file of its own. `max_bytes` is nsqd's --max-bytes-per-file.
 * Source: go-diskqueue 1.1.0, writeOne.
 */
bool nsq_diskqueue_rolls(int64_t write_pos, size_t record_size, int64_t max_bytes);

/* --- the meta file ---------------------------------------------------------------------------- */

/*
 * The text of a meta file has five numbers:
 *     DEPTH\nREAD_FILE,READ_POS\nWRITE_FILE,WRITE_POS\n
 * nsqd writes the meta file when it writes the data file to the disk (fsync). So after a crash the
 * meta file may be older than the data files.
 */
#define NSQ_DISKQUEUE_META_MAX 105 /* the most bytes that nsq_diskqueue_meta_encode writes */

/* The numbers of a meta file. nsqd writes no negative number, except sometimes a negative depth. */
struct nsq_diskqueue_meta {
    int64_t depth;      /* number of messages in the queue; nsqd only shows it in /stats */
    int64_t read_file;  /* the number of the file that is read */
    int64_t read_pos;   /* the offset in it, in bytes, of the next record */
    int64_t write_file; /* the number of the file that is written */
    int64_t write_pos;  /* the offset in it, in bytes, after the last record */
};

enum nsq_diskqueue_field {
    NSQ_DISKQUEUE_DEPTH = 0,
    NSQ_DISKQUEUE_READ_FILE,
    NSQ_DISKQUEUE_READ_POS,
    NSQ_DISKQUEUE_WRITE_FILE,
    NSQ_DISKQUEUE_WRITE_POS,
    NSQ_DISKQUEUE_FIELD_COUNT,
};

struct nsq_diskqueue_meta_error {
    enum nsq_diskqueue_why why;
    enum nsq_diskqueue_field field; /* the number that is wrong, or the last number before the
                                     * wrong byte */
    size_t offset;                  /* the offset of the wrong byte. If a number is out of range:
                                     * the offset of the first byte of this number */
};

/*
 * Parses `text`, the whole meta file.
 *
 * NSQ_OK: `*meta` is set. *error is NSQ_DISKQUEUE_NO_ERROR.
 * NSQ_BAD: `*error` is set. `*meta` is not changed. In this case nsqd keeps the numbers before the
 *     wrong one, takes 0 for the others, and logs an error.
 * The result is never NSQ_MORE, because `text` is the whole file.
 *
 * The rules are those of Go's fmt.Fscanf, so they are less strict than what nsqd writes:
 *   - A number has an optional sign, '-' or '+', and decimal digits. It may begin with zeros.
 *   - White space may stand before each number and at the end of each line, but not between the
 *     number of a file and its comma. White space is that of Unicode in UTF-8, without '\n'.
 *   - The last line may end without a '\n'. All bytes after the third line are ignored.
 *   - Negative numbers are accepted. The caller decides what they mean.
 * Source: go-diskqueue 1.1.0, retrieveMetaData; Go's fmt/scan.go.
 */
enum nsq_parse nsq_diskqueue_meta_parse(struct span text, struct nsq_diskqueue_meta *meta,
                                        struct nsq_diskqueue_meta_error *error);

/*
 * Writes the text of a meta file, and returns its size, as nsq_diskqueue_record_encode does.
 * Source: go-diskqueue 1.1.0, persistMetaData.
 */
size_t nsq_diskqueue_meta_encode(const struct nsq_diskqueue_meta *meta, uint8_t *out, size_t room);

/* --- names of files --------------------------------------------------------------------------- */

#define NSQ_DISKQUEUE_NAME_MAX 167 /* bytes of the longest name of a file, without its folder */

enum nsq_diskqueue_kind {
    NSQ_DISKQUEUE_META = 0, /* the meta file */
    NSQ_DISKQUEUE_DATA,     /* a data file */
    NSQ_DISKQUEUE_BAD,      /* a data file that nsqd no longer reads; its name ends with ".bad" */
};

struct nsq_diskqueue_file {
    enum nsq_diskqueue_kind kind;
    struct span topic;   /* a valid name (nsq/name.h) */
    struct span channel; /* a valid name, or empty if this is the queue of the topic itself */
    int64_t number;      /* of a data file, from 0; 0 for a meta file */
};

/*
 * Parses the name of a file, without its folder. Returns false and does not change `*file` if no
 * queue of nsqd can have a file with this name. The spans of `*file` point into `name`. While nsqd
 * writes a meta file, this file has the name NAME.diskqueue.meta.dat.NUMBER.tmp. For such a name
 * the function returns false: the file is left over after a crash, and nsqd never reads it. A
 * number has at least 6 digits. A number with more than 6 digits does not begin with 0.
 * Source: go-diskqueue 1.1.0, fileName, metaDataFileName and handleReadError; nsqd/dqname.go.
 */
bool nsq_diskqueue_name_parse(struct span name, struct nsq_diskqueue_file *file);

/*
 * Writes the name of a file, without its folder and without a terminating NUL, and returns its
 * size, as nsq_diskqueue_record_encode does. Returns 0 if no queue of nsqd can have such a file: if
 * a name is not valid, if the queue is ephemeral, or if the number is negative. The number of a
 * meta file is not used. The result never contains a '/', because a valid name contains none.
 */
size_t nsq_diskqueue_name_encode(const struct nsq_diskqueue_file *file, uint8_t *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
