-- One row is one enrolment of one partner, as known now: the latest first. Settings: lkp.partner, lkp.day, lkp.cutoff
-- ('' before the batch is assembled).
select enrolment.learning_option, enrolment.competency, enrolment.valid_from, enrolment.valid_to,
       enrolment.valid_from <= current_setting('lkp.day')::date
         and coalesce(enrolment.valid_to, 'infinity') > current_setting('lkp.day')::date    as holds,
       enrolment.valid_from > current_setting('lkp.day')::date                              as begins_later,
       enrolment.change_no > nullif(current_setting('lkp.cutoff'), '')::bigint              as learned_later
from enrolment
where enrolment.partner_mpn_id = current_setting('lkp.partner')
  and enrolment.ended_no is null
order by enrolment.valid_from desc, enrolment.competency collate "C";
